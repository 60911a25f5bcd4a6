"""Hidden checks, one module a notebook: the student's answer against the reference, on fresh random inputs."""

"""One module a thing of the host that real time depends on; each looks at it and says what it costs."""

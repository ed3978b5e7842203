"""The journey contract, `/v1/...`: its own tokens, envelope and errors. One module a resource."""

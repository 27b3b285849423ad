# The images of a release: docker buildx bake, with VERSION and, for a registry of your own, REGISTRY ending in a slash.
# Base images are arguments, as in compose/compose.yaml.
variable "VERSION" { default = "0.1.0" }
variable "REGISTRY" { default = "" }
variable "JOBCTL_NODE_IMAGE" { default = "node:20.20.2-bookworm-slim" }
variable "JOBCTL_NODE_BUILD_IMAGE" { default = "node:20.20.2-bookworm" }
variable "NPM_CONFIG_REGISTRY" { default = "" }

group "default" {
  targets = ["server", "agent"]
}

target "common" {
  context = "."
  args = {
    NODE_IMAGE = JOBCTL_NODE_IMAGE
    NPM_CONFIG_REGISTRY = equal(NPM_CONFIG_REGISTRY, "") ? null : NPM_CONFIG_REGISTRY
  }
  labels = {
    "org.opencontainers.image.version" = VERSION
    "org.opencontainers.image.licenses" = "MIT"
  }
}

target "server" {
  inherits = ["common"]
  dockerfile = "compose/server.Dockerfile"
  args = { NODE_BUILD_IMAGE = JOBCTL_NODE_BUILD_IMAGE }
  tags = ["${REGISTRY}jobctl-server:${VERSION}"]
}

target "agent" {
  inherits = ["common"]
  dockerfile = "compose/agent.Dockerfile"
  tags = ["${REGISTRY}jobctl-agent:${VERSION}"]
}

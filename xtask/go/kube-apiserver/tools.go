//go:build tools

// Package apiserver names the command that `cargo xtask tools` builds from this module.
package apiserver

import _ "k8s.io/kubernetes/cmd/kube-apiserver"

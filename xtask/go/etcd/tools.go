//go:build tools

// Package etcd names the command that `cargo xtask tools` builds from this module.
package etcd

import _ "go.etcd.io/etcd/server/v3"

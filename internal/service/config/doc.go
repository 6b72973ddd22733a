// Package config reads the configuration file of `onetoken refresher --config FILE`: which
// credentials are kept fresh, in which Redis, and who may have their tokens, or call APIs by them, at which door.
// testdata/onetoken.yaml shows every key.
//
// # How it reads
//
// [Read] reads downward through the files:
//
//  1. config.go has [Config] and Read; what it holds stands beside its reader, in the files below.
//  2. files.go reads files: bounded, each once, never a pipe, and never longer than the ctx lives.
//  3. document.go makes a tree of the text, and refuses what this file does not use of YAML: anchors,
//     merge keys, tags, several documents, deep nesting. syntax.go has its own words for what the
//     parser says, which would quote.
//  4. section.go takes a mapping of the tree apart, by the keys that there are; value.go reads texts,
//     numbers, durations and lists; near.go finds the key that was meant; route.go words what others
//     complain of by the keys.
//  5. secret.go and pem.go read what values name: secrets, certificates. Of these, redis.go, way.go (to
//     an issuer), listener.go, tls.go and socket.go make their parts.
//  6. credential.go (feishu.go, oauth2.go) makes what is kept fresh; tokens.go and gateway.go the two doors with
//     what is different for their clients; client.go (identity.go) what their clients have in common.
//  7. complaint.go collects what is wrong, digest.go what was read.
//
// # What it promises
//
//   - Everything that is wrong is told at once, each with file, line, column and the path of the key.
//     Sections that are good are read although others are not.
//   - No complaint quotes the file, save the values of closed sets (kind, auth, may, true or false).
//     People put secrets into the wrong key: so neither other values nor unknown keys are shown.
//     Names of credentials that follow the rules for names are offered to a client that misspells one, and
//     named where a client cannot have two of them; app ids are not.
//   - No secret stands in the file: each is read from the file that KEY_file names, or the variable
//     that KEY_env names. That includes a URL with a password in it.
//   - A Config prints without secrets, by every verb of fmt, by slog and as JSON.
//   - A credential that is disabled is checked like all others: enabling it again meets no surprise.
//   - A certificate that has expired is a warning, and no error: the same file would be good today and
//     refused tomorrow, when a process is started again that has nothing to do with that door. The
//     other side says so anyway, and a renewed certificate is read without a restart.
//
// No goroutine is left behind, unless a file system hangs in the middle of a read.
package config

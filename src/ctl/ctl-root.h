/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ctl-root: a network's root key: where its file is, who knows the passphrase, and what the tool remembers beside it
 * (FILE.state: the counters that have been used, the newest revocation).
 */
#pragma once

#include "crypto/scope-jws.h"
#include "crypto/scope-keyfile.h"

#include <glib.h>

/**
 * CtlRootOptions:
 *
 * What all verbs with a root key take on the command line; all nullable.
 */
typedef struct {
  char *file;
  char *passphrase_file;
  gboolean no_keyring;
  char *registry;
  char *ca;
} CtlRootOptions;

#define CTL_ROOT_ENTRIES(o)                                                                                         \
  { "root", 0, 0, G_OPTION_ARG_FILENAME, &(o).file,                                                                 \
    N_ ("The root key [NETWORK.root here, or in ~/.config/nm-scope]"), N_ ("FILE") },                              \
  { "passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &(o).passphrase_file,                                           \
    N_ ("Its passphrase is this file's first line (“-”: the standard input's)"), N_ ("FILE") },                    \
  { "no-keyring", 0, 0, G_OPTION_ARG_NONE, &(o).no_keyring, N_ ("Leave the session's keyring alone"), NULL },       \
  { "registry", 0, 0, G_OPTION_ARG_STRING, &(o).registry,                                                           \
    N_ ("Where the registry is [as the root key's file says]"), N_ ("URL") },                                      \
  { "ca", 0, 0, G_OPTION_ARG_FILENAME, &(o).ca,                                                                     \
    N_ ("Trust these certificates (PEM) for the registry instead of the system's"), N_ ("FILE") }

void ctl_root_options_clear (CtlRootOptions *options);

typedef struct {
  char *path;
  char *registry; /* nullable */
  ScopeKeyfile *file;
  ScopeIdentity *identity;
} CtlRoot;

void ctl_root_free (CtlRoot *root);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlRoot, ctl_root_free)

/**
 * ctl_root_load:
 *
 * Finds and reads the file; the key stays locked (no identity).
 */
CtlRoot *ctl_root_load (const char *network, const CtlRootOptions *options, GError **error);

/* Unlocks: passphrase file, keyring, terminal (three tries), in this order. */
gboolean ctl_root_unlock (CtlRoot *root, const CtlRootOptions *options, GError **error);

/**
 * ctl_new_passphrase:
 *
 * For a new key: from the file, or asked twice. Free with scope_secret_free().
 */
char *ctl_new_passphrase (const CtlRootOptions *options, GError **error);

/**
 * CtlState:
 * @kill: the highest counter used, 0 for none
 * @revocation: (nullable): the newest envelope, as text
 */
typedef struct {
  guint64 kill;
  char *revocation;
} CtlState;

void ctl_state_free (CtlState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlState, ctl_state_free)

/* A file that is not there is an empty state; one that cannot be read is an error. */
CtlState *ctl_state_load (const CtlRoot *root, GError **error);
gboolean ctl_state_save (const CtlRoot *root, const CtlState *state, GError **error);

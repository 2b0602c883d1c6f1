/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ctl-keyring: root keys' passphrases in the Secret Service of the session, if there is one: schema
 * org.freedesktop.NetworkManager.scope.Root, attributes network and fingerprint.
 */
#pragma once

#include <glib.h>

/* (transfer full) (nullable): free with scope_secret_free(); NULL without an error, too, when none is kept */
char *ctl_keyring_lookup (const char *network, const char *fingerprint);

gboolean ctl_keyring_store (const char *network, const char *fingerprint, const char *passphrase, GError **error);

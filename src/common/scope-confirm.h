/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-confirm: the question whether a network's root key is the right one, as the service puts it to a person and the
 * auth dialog brings back the answer. NetworkManager knows no questions but for secrets, so the answer travels as one, whose
 * name has the fingerprint in it: NetworkManager may keep it with the profile, and it must never count for another key.
 */
#pragma once

#include <glib.h>

#define SCOPE_CONFIRM_PREFIX "confirm-root-"   /* in hints and in vpn.secrets: the fingerprint follows */
#define SCOPE_CONFIRM_FINGERPRINT_LEN 52       /* SCOPE_FINGERPRINT_LEN of crypto/ */
#define SCOPE_CONFIRM_SHORT_LEN 8              /* SCOPE_SHORT_NAME_LEN of crypto/ */

typedef enum {
  SCOPE_CONFIRM_NO,    /* anything else */
  SCOPE_CONFIRM_YES,   /* “yes”, or the fingerprint itself, or as much of it as people call it by */
  SCOPE_CONFIRM_OTHER, /* a fingerprint, but another one */
} ScopeConfirm;

/* 52 characters, as “scopectl network create” prints them */
gboolean scope_confirm_is_fingerprint (const char *text);

/* (nullable): the fingerprint in the name of such a secret, NULL when it is no such name */
const char *scope_confirm_root (const char *name);

/* What @answer says of @fingerprint. Case, and spaces and dashes within a fingerprint, do not matter. */
ScopeConfirm scope_confirm_judge (const char *answer, const char *fingerprint);

/* (transfer full): in groups of four, which is how people compare it */
char *scope_confirm_group (const char *fingerprint);

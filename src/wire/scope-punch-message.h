/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-punch-message: what two peers tell each other before they try to meet (data/protocol.md, section 9, "Punching"):
 * where each may be reached, and the short-term credentials (RFC 8489 §9.1) of the checks. Form only.
 */
#pragma once

#include "common/scope-key.h"

#include <json-glib/json-glib.h>

#define SCOPE_PUNCH_ID_LEN 8
#define SCOPE_PUNCH_PWD_LEN 22
#define SCOPE_PUNCH_PWD_MAX 64
#define SCOPE_PUNCH_MAX_CANDIDATES 16
#define SCOPE_PUNCH_MAX_TRY 15

/* What is between a host and the internet, as far as it can tell: RFC 4787's mappings, coarsely. */
typedef enum {
  SCOPE_NAT_UNKNOWN,
  SCOPE_NAT_NONE,   /* its own address is what others see */
  SCOPE_NAT_OPEN,   /* one mapping, whoever it speaks to */
  SCOPE_NAT_CLOSED, /* another mapping for each destination */
  SCOPE_NAT_DENY,   /* no UDP at all */
} ScopeNatKind;

const char *scope_nat_to_string (ScopeNatKind kind);

/* What is none of these is SCOPE_NAT_UNKNOWN and FALSE. */
gboolean scope_nat_from_string (const char *text, ScopeNatKind *kind);

/**
 * ScopePunchMessage:
 * @open: the opener's answer, else the caller's call
 * @id, @pwd: the sender's, of checks that are sent to it
 * @nat: around the sender
 * @candidates: its endpoints, numeric, best first, NULL-terminated
 * @attempt: "try", 0 to SCOPE_PUNCH_MAX_TRY
 */
typedef struct {
  gboolean open;
  char *id;
  char *pwd;
  ScopeNatKind nat;
  char **candidates;
  guint attempt;
} ScopePunchMessage;

void scope_punch_message_free (ScopePunchMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopePunchMessage, scope_punch_message_free)

/* "punch.call" or "punch.open" */
const char *scope_punch_message_name (const ScopePunchMessage *message);

/* (transfer full): "d" */
JsonObject *scope_punch_message_format (const ScopePunchMessage *message);

/**
 * scope_punch_message_parse:
 * @name: "t" of the frame
 * @body: "d"
 * @error: SCOPE_ERROR_PROTOCOL, naming the field
 */
ScopePunchMessage *scope_punch_message_parse (const char *name, JsonObject *body, GError **error);

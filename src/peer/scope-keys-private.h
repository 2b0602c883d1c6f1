/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-keys-private: what the files of scope-keys share: scope-keys.c does what scope-kex wants done,
 * scope-keys-say.c signs and sends.
 */
#pragma once

#include "peer/scope-kex.h"
#include "peer/scope-keys.h"

#include <string.h>

/* A ciphertext as it was signed: it goes out again as it is until it is answered. */
typedef struct {
  guint8 ct[SCOPE_KEM_CIPHERTEXT_LEN];
  char *envelope;
} SignedCt;

struct _ScopeKeys {
  const ScopeKeysCalls *calls;
  gpointer data;
  char *network;
  char *path;
  ScopeKey own;
  gboolean attached; /* the interface has its peers: nobody else needs keys */
  ScopeIdentity *identity;
  ScopeKex *kex;
  ScopeTunnel *tunnel;
  ScopeWgDevice *device; /* as read last */
  gint64 device_usec;    /* monotonic: when */
  char *envelope;        /* our kex-key, as broadcast last */
  gboolean told;         /* the registry has it */
  gboolean has_length;   /* how long an epoch is: from a welcome, of this life or one before */
  gboolean open;
  gboolean listed;    /* who is online is what the registry says now */
  GHashTable *known;  /* ScopeKey: told to kex */
  GHashTable *online; /* ScopeKey: among them */
  GHashTable *quiet;  /* ScopeKey: who is to begin */
  GHashTable *cts;    /* ScopeKey → SignedCt *: sent, and not in use yet */
  GQueue later; /* ScopeKexAction: ciphertexts for those who can wait */
  guint later_id;
  gboolean at_once; /* for those who cannot */
  GHashTable *refused; /* lines that were said */
  gint64 refused_usec; /* monotonic: since when */
  guint quiet_id;
  guint timer_id;
  guint state_id;
  guint save_id;
};

static inline gint64
keys_now (void)
{
  return g_get_monotonic_time () / 1000;
}

void keys_signed_ct_free (gpointer ct);

/* To another peer. */
void keys_send_to (ScopeKeys *self, const ScopeKey *peer, const char *name, JsonObject *body);
void keys_send_envelope (ScopeKeys *self, const ScopeKey *peer, const char *name, const char *member, const char *envelope);
void keys_send_ct (ScopeKeys *self, const ScopeKey *peer, const ScopeKexCt *ct);

/* To all: our own key, the one that was signed last and a new one. */
void keys_tell (ScopeKeys *self);
void keys_broadcast (ScopeKeys *self, ScopeKexKey *key);

/* A GSourceFunc: tells the registry how far we are with everybody. */
gboolean keys_on_state (gpointer data);

/* One line in the log. @error: (transfer full) */
void keys_refuse (ScopeKeys *self, const ScopeTrustPeer *peer, const char *name, GError *error);

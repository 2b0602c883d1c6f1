/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-keys-private.h"

#include "common/scope-json.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#define STATE_PEERS 512  /* of so many at once */
#define REFUSED_LINES 64 /* different refusals in the log, each once */
#define REFUSED_USEC (3600 * G_GINT64_CONSTANT (1000000)) /* in that time */

void
keys_send_to (ScopeKeys *self, const ScopeKey *peer, const char *name, JsonObject *body)
{
  g_autofree char *text = scope_v1_format_kex (name, body, "to", peer);
  char key[SCOPE_KEY_BASE64_LEN + 1];
  gboolean sent = self->calls->send (text, self->data);

  g_debug ("%s to %.8s%s", name, scope_key_to_base64 (peer, key), sent ? "" : ": no session");
}

/* {"@member": envelope} to a peer */
void
keys_send_envelope (ScopeKeys *self, const ScopeKey *peer, const char *name, const char *member, const char *envelope)
{
  g_autoptr (JsonObject) body = json_object_new ();
  JsonObject *jws = scope_json_parse_object (envelope, strlen (envelope), SCOPE_JWS_MAX_BYTES, NULL);

  if (!jws)
    return;
  json_object_set_object_member (body, member, jws);
  keys_send_to (self, peer, name, body);
}

static char *
sign (ScopeKeys *self, const char *typ, char *payload)
{
  g_autoptr (GError) error = NULL;
  char *envelope = scope_jws_sign (self->identity, typ, payload, &error);

  g_free (payload);
  if (!envelope)
    g_warning ("signing a key: %s", error->message);
  return envelope;
}

void
keys_tell (ScopeKeys *self)
{
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_KEX_KEY);
  g_autofree char *text = NULL;

  message->kex = g_strdup (self->envelope);
  text = scope_v1_format (message);
  self->told = self->calls->send (text, self->data);
}

void
keys_broadcast (ScopeKeys *self, ScopeKexKey *key)
{
  key->issued = g_get_real_time () / G_USEC_PER_SEC;
  g_free (self->envelope);
  self->envelope = sign (self, SCOPE_TYP_KEX_KEY, scope_kex_key_format (self->network, key));
  if (self->envelope)
    keys_tell (self);
}

void
keys_signed_ct_free (gpointer data)
{
  SignedCt *ct = data;

  g_free (ct->envelope);
  g_free (ct);
}

void
keys_send_ct (ScopeKeys *self, const ScopeKey *peer, const ScopeKexCt *ct)
{
  SignedCt *sent = g_hash_table_lookup (self->cts, peer);

  if (!sent || memcmp (sent->ct, ct->ct, sizeof sent->ct) != 0)
    {
      char *envelope = sign (self, SCOPE_TYP_KEX_CT, scope_kex_ct_format (self->network, ct));

      if (!envelope)
        return;
      sent = g_new (SignedCt, 1);
      memcpy (sent->ct, ct->ct, sizeof sent->ct);
      sent->envelope = envelope;
      g_hash_table_replace (self->cts, g_memdup2 (peer, sizeof *peer), sent);
    }
  keys_send_envelope (self, peer, "kex.ct", "ct", sent->envelope);
}

gboolean
keys_on_state (gpointer data)
{
  ScopeKeys *self = data;
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_KEX_STATE);
  g_autofree char *text = NULL;
  gint64 now = keys_now ();
  GHashTableIter iter;
  gpointer key;

  self->state_id = 0;
  message->epoch = scope_kex_epoch (self->kex, now);
  message->has_key_broadcast = scope_kex_has_broadcast (self->kex, now);
  message->states = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, g_free);
  g_hash_table_iter_init (&iter, self->known);
  while (g_hash_table_iter_next (&iter, &key, NULL) && g_hash_table_size (message->states) < STATE_PEERS)
    {
      ScopeV1Progress progress;

      if (scope_kex_progress (self->kex, now, key, &progress))
        g_hash_table_insert (message->states, g_memdup2 (key, sizeof (ScopeKey)), g_memdup2 (&progress, sizeof progress));
    }
  text = scope_v1_format (message);
  self->calls->send (text, self->data);
#ifdef __GLIBC__
  malloc_trim (0); /* rosters and ciphertexts, parsed and verified, leave holes: 0.3 MB of 24 peers */
#endif
  return G_SOURCE_REMOVE;
}

/* Whoever sends the same again, or ever new ones, does not fill the log. */
void
keys_refuse (ScopeKeys *self, const ScopeTrustPeer *peer, const char *name, GError *error)
{
  g_autofree char *line = g_strdup_printf ("%s from %.*s refused: %s", name, SCOPE_SHORT_NAME_LEN,
                                           scope_identity_public_fingerprint (peer->identity), error->message);
  gint64 now = g_get_monotonic_time ();

  g_error_free (error);
  if (now - self->refused_usec > REFUSED_USEC)
    {
      g_hash_table_remove_all (self->refused);
      self->refused_usec = now;
    }
  if (g_hash_table_size (self->refused) >= REFUSED_LINES || g_hash_table_contains (self->refused, line))
    return;
  g_warning ("%s", line);
  g_hash_table_add (self->refused, g_steal_pointer (&line));
}

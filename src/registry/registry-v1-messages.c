/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What members say in a session (data/protocol.md, section 5), after their hello. */
#include "registry/registry-v1-session-private.h"

#include "common/scope-error.h"
#include "registry/registry-paths.h"
#include "wire/scope-carry.h"

#include <string.h>

static gint64
now_ms (void)
{
  return g_get_real_time () / 1000;
}

static ScopeIdentityPublic *
identity_of (const RegistryV1Session *session)
{
  g_autofree char *text = NULL;

  if (!registry_mesh_read (session->mesh, session->member, NULL, NULL, NULL, &text))
    return NULL;
  return scope_identity_public_parse (text, NULL);
}

static void
on_signed (RegistryV1Session *session, const ScopeV1Message *message)
{
  g_autoptr (ScopeIdentityPublic) identity = NULL;
  g_autoptr (GError) error = NULL;
  gboolean good;

  if (!registry_bucket_take (&session->signatures, 1, REGISTRY_V1_SIGNED, REGISTRY_V1_SIGNED_BURST, g_get_monotonic_time ()))
    {
      registry_v1_session_end (session, "too-fast", "too many records and keys");
      return;
    }
  identity = identity_of (session);
  if (!identity)
    return;
  if (message->type == SCOPE_V1_RECORD)
    good = registry_mesh_put_record (session->mesh, session->member, identity, message->record, now_ms (), &error);
  else
    good = registry_mesh_put_kex (session->mesh, session->member, identity, message->kex, now_ms (), &error);
  if (!good && message->type == SCOPE_V1_RECORD && scope_err_denied (error) && session->granted &&
      g_get_monotonic_time () - session->granted < REGISTRY_V1_CROSSING * G_USEC_PER_SEC)
    return;
  if (!good)
    registry_v1_session_end (session, scope_err_denied (error) ? "denied" : "malformed", error->message);
}

static void
on_kex (RegistryV1Session *session, const ScopeV1Message *message, gsize len)
{
  RegistryMember *to = registry_members_find_key (session->mesh->members, &message->other);
  RegistryV1Session *other = to ? to->session : NULL;
  g_autofree char *text = NULL;
  g_autoptr (GBytes) frame = NULL;

  if (json_object_has_member (message->body, "from"))
    registry_v1_session_end (session, "malformed", "from: the registry writes it");
  else if (len > SCOPE_V1_KEX_MAX)
    registry_v1_session_end (session, "too-big", "for another peer: at most 16 KiB");
  else if (!other || !other->open)
    registry_v1_session_send_error (session, "busy", "not here");
  else if (registry_socket_queued (other->socket) > REGISTRY_V1_LAG_BYTES)
    registry_v1_session_send_error (session, "busy", "does not read");
  else
    {
      text = scope_v1_format_kex (message->name, message->body, "from", &session->member->key);
      frame = registry_frame_new (REGISTRY_FRAME_TEXT, text, strlen (text));
      registry_socket_send (other->socket, frame);
    }
}

static void
on_state (RegistryV1Session *session, const ScopeV1Message *message)
{
  RegistryProgress progress = { .epoch = message->epoch, .has_key = message->has_key_broadcast };
  GHashTableIter iter;
  gpointer value;

  /* The newest epoch is what the network is measured by: nobody may be far ahead. */
  if (message->epoch > (guint64) now_ms () / 1000 / session->mesh->config->epoch_seconds + 1)
    return;
  g_hash_table_iter_init (&iter, message->states);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ScopeV1Progress *pair = value;

      progress.npq[MIN (pair->npq, G_N_ELEMENTS (progress.npq) - 1)]++;
      progress.pq[MIN (pair->pq, G_N_ELEMENTS (progress.pq) - 1)]++;
    }
  if (!session->member->progress)
    session->member->progress = g_new (RegistryProgress, 1);
  *session->member->progress = progress;
}

static void
on_report (RegistryV1Session *session, const ScopeV1Message *message)
{
  RegistryMesh *mesh = session->mesh;
  GHashTableIter iter;
  gpointer key, endpoint;
  gint64 now = g_get_monotonic_time ();

  if (message->fork[0] && registry_bucket_take (&session->forks, 1, REGISTRY_V1_FORKS, REGISTRY_V1_FORKS_BURST, now))
    g_message ("network %s: %.8s reports a fork: two records with one sequence", mesh->name, session->member->fingerprint);
  registry_paths_report (mesh->paths, session->member, message, &session->links);
  if (!message->observed)
    return;
  g_hash_table_iter_init (&iter, message->observed);
  while (g_hash_table_iter_next (&iter, &key, &endpoint))
    {
      RegistryMember *seen = registry_members_find_key (mesh->members, key);

      /* Each one may be news for all. */
      if (!registry_bucket_take (&session->reports, 1, REGISTRY_V1_REPORTS, REGISTRY_V1_REPORTS_BURST, now))
        return;
      if (seen && seen != session->member && seen->revision)
        registry_mesh_report (mesh, session->member, seen, endpoint, now_ms ());
    }
}

static void
on_ping (RegistryV1Session *session, const ScopeV1Message *message)
{
  g_autoptr (ScopeV1Message) answer = scope_v1_message_new (SCOPE_V1_PING);

  answer->n = message->n;
  answer->time = now_ms ();
  registry_v1_session_send (session, answer);
}

static void
on_carry (RegistryV1Session *session)
{
  g_autoptr (ScopeV1Message) answer = scope_v1_message_new (SCOPE_V1_CARRY);

  answer->token = registry_carry_issue (session->shared->carry, session->mesh->name, session->member->fingerprint,
                                        g_get_monotonic_time ());
  answer->seconds = SCOPE_CARRY_TICKET_SECONDS;
  registry_v1_session_send (session, answer);
}

void
registry_v1_session_dispatch (RegistryV1Session *session, const ScopeV1Message *message, gsize len)
{
  switch (message->type)
    {
    case SCOPE_V1_RECORD:
    case SCOPE_V1_KEX_KEY:
      on_signed (session, message);
      break;
    case SCOPE_V1_KEX:
    case SCOPE_V1_PATH:
      on_kex (session, message, len);
      break;
    case SCOPE_V1_KEX_STATE:
      on_state (session, message);
      break;
    case SCOPE_V1_REPORT:
      on_report (session, message);
      break;
    case SCOPE_V1_PING:
      on_ping (session, message);
      break;
    case SCOPE_V1_CARRY:
      on_carry (session);
      break;
    case SCOPE_V1_LEAVE:
      registry_socket_close (session->socket, REGISTRY_CLOSE_NORMAL);
      registry_v1_session_detach (session, TRUE);
      break;
    case SCOPE_V1_HELLO:
      registry_v1_session_end (session, "malformed", "hello: a second one");
      break;
    default: /* newer peers may say more */
      break;
    }
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a session begins, what is sent in it, and how it ends. */
#include "registry/registry-v1-session-private.h"

#include "common/scope-base64.h"
#include "common/scope-endpoint.h"
#include "common/scope-error.h"
#include "registry/registry-admission.h"
#include "registry/registry-paths.h"
#include "wire/scope-record.h"
#include "wire/scope-v1.h"

#include <string.h>
#include <sys/random.h>

#define QUEUE_BYTES (2 * 1024 * 1024)

static gint64
now_ms (void)
{
  return g_get_real_time () / 1000;
}

/* Sending */

void
registry_v1_session_send (RegistryV1Session *session, const ScopeV1Message *message)
{
  g_autofree char *text = scope_v1_format (message);
  g_autoptr (GBytes) frame = registry_frame_new (REGISTRY_FRAME_TEXT, text, strlen (text));

  if (session->socket)
    registry_socket_send (session->socket, frame);
}

void
registry_v1_session_send_error (RegistryV1Session *session, const char *code, const char *text)
{
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_ERROR);

  message->code = g_strdup (code);
  message->text = g_strdup (text);
  registry_v1_session_send (session, message);
}

/* From now on it is nobody's session. */
void
registry_v1_session_detach (RegistryV1Session *session, gboolean departed)
{
  RegistryMesh *mesh = g_steal_pointer (&session->mesh);
  RegistryMember *member = g_steal_pointer (&session->member);

  session->live = session->open = session->welcome = FALSE;
  if (!mesh || !member)
    return;
  g_ptr_array_remove_fast (mesh->sessions, session);
  if (member->session != session)
    return;
  member->session = NULL;
  if (departed && member->online)
    registry_mesh_depart (mesh, member, now_ms ());
}

void
registry_v1_session_end (RegistryV1Session *session, const char *code, const char *message)
{
  if (!session->socket)
    return;
  g_debug ("v1 session ends: %s: %s", code, message);
  registry_v1_session_send_error (session, code, message);
  registry_socket_close (session->socket, REGISTRY_CLOSE_POLICY);
  registry_v1_session_detach (session, TRUE);
}

void
registry_v1_session_orphan (RegistryV1Session *session)
{
  if (session->socket)
    registry_socket_close (session->socket, REGISTRY_CLOSE_GOING_AWAY);
  registry_v1_session_detach (session, FALSE);
}

/* For the roster */

void
registry_v1_session_tell (RegistryV1Session *session, GBytes *frame)
{
  if (session->open)
    registry_socket_send (session->socket, frame);
}

void
registry_v1_session_event (RegistryV1Session *session, GBytes *frame, guint64 revision)
{
  if (!session->live)
    return;
  if (registry_socket_queued (session->socket) > REGISTRY_V1_LAG_BYTES)
    {
      session->live = FALSE;
      session->cursor = (RegistryCursor) { revision - 1, revision - 1, revision - 1 };
      return;
    }
  registry_socket_send (session->socket, frame);
}

void
registry_v1_session_grant (RegistryV1Session *session)
{
  session->grant = TRUE;
  session->granted = g_get_monotonic_time ();
}

static void
send_grant (RegistryV1Session *session, gint64 now)
{
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_GRANT);

  session->grant = FALSE;
  if (!registry_mesh_read (session->mesh, session->member, &message->grant, NULL, NULL, NULL))
    return;
  message->delegations = registry_mesh_delegations (session->mesh, now);
  registry_v1_session_send (session, message);
}

/* Who does not read now gets it later, and then the newest one. */
void
registry_v1_session_paths (RegistryV1Session *session)
{
  GBytes *frame;

  if (!session->live || registry_socket_queued (session->socket) > REGISTRY_V1_LAG_BYTES)
    return;
  frame = registry_paths_frame (session->mesh->paths, session->member, &session->paths);
  if (frame)
    registry_socket_send (session->socket, frame);
}

static void
send_roster (RegistryV1Session *session)
{
  while (session->open && !session->live && registry_socket_is_open (session->socket) &&
         registry_socket_queued (session->socket) == 0)
    {
      gboolean more;
      g_autoptr (GBytes) frame = registry_publish_roster (session->mesh, &session->cursor, &more);

      registry_socket_send (session->socket, frame);
      session->live = !more;
    }
  registry_v1_session_paths (session);
}

void
registry_v1_session_go_on (RegistryV1Session *session, gint64 now)
{
  if (session->welcome)
    {
      g_autoptr (GBytes) frame = registry_publish_welcome (session->mesh, session->member, session->shared->stun, now);

      session->welcome = session->grant = FALSE;
      if (!frame)
        return;
      session->open = TRUE;
      if (session->cursor.gone == G_MAXUINT64) /* the whole roster: as it is now */
        session->cursor.gone = session->mesh->published;
      registry_socket_send (session->socket, frame);
    }
  if (session->grant && session->open)
    send_grant (session, now);
  send_roster (session);
}

char *
registry_v1_session_endpoint (const RegistryV1Session *session, guint16 port)
{
  ScopePrefix client = *registry_socket_client (session->socket);
  g_autofree char *address = scope_prefix_address (&client);
  g_autoptr (GInetAddress) inet = g_inet_address_new_from_string (address);

  if (!inet || g_inet_address_get_is_loopback (inet) || g_inet_address_get_is_link_local (inet))
    return NULL;
  return g_strdup_printf (client.family == AF_INET ? "%s:%u" : "[%s]:%u", address, port);
}

/* Hello */

static gboolean
verify_proof (RegistryV1Session *session, const ScopeV1Message *hello, const ScopeIdentityPublic *identity,
              ScopeKey *key, GError **error)
{
  g_autoptr (ScopeJws) jws = scope_jws_parse (hello->proof, strlen (hello->proof), error);
  char nonce[SCOPE_BASE64_CHARS (REGISTRY_NONCE_LEN) + 1];

  return jws && scope_hello_verify (jws, session->mesh->name,
                                    scope_base64url_encode (session->nonce, REGISTRY_NONCE_LEN, nonce),
                                    identity, key, error);
}

/* A flood of hellos must not take the core: those that cost something are counted, wrong ones twice. */
static gboolean
charge (RegistryV1Session *session)
{
  return registry_accounts_charge (session->shared->accounts, session->shared->config,
                                   registry_socket_client (session->socket), REGISTRY_HELLO_COST,
                                   g_get_monotonic_time ()) == 0;
}

/* It is a member now; the rest of the hello. */
static void
begin (RegistryV1Session *session, RegistryMember *member, const ScopeV1Message *hello,
       const ScopeIdentityPublic *identity, gint64 now)
{
  RegistryMesh *mesh = session->mesh;
  RegistryV1Session *older = member->session;
  g_autoptr (GError) error = NULL;

  /* The one before hands over: for the others the member has never left. */
  member->session = session;
  if (older)
    registry_v1_session_end (older, "replaced", "the same identity came again");
  session->member = member;
  session->welcome = TRUE;
  session->deadline = 0;
  g_ptr_array_add (mesh->sessions, session);
  session->cursor = registry_publish_begin (mesh, hello->generation, hello->since);
  if (!session->cursor.since)
    session->cursor.gone = G_MAXUINT64;

  registry_mesh_arrive (mesh, member, now);
  /* One that does not fit the grant, or the time, is void, no more: with the welcome it learns of both. */
  if (hello->record && !registry_mesh_put_record (mesh, member, identity, hello->record, now, &error))
    {
      if (!scope_err_denied (error))
        {
          registry_v1_session_end (session, "malformed", error->message);
          return;
        }
      g_message ("network %s: a hello's record is void: %s", mesh->name, error->message);
      g_clear_error (&error);
    }
  if (hello->kex && !registry_mesh_put_kex (mesh, member, identity, hello->kex, now, &error))
    {
      registry_v1_session_end (session, scope_err_denied (error) ? "denied" : "malformed", error->message);
      return;
    }
  mesh->dirty = TRUE;
  mesh->changed (mesh, FALSE, mesh->user_data); /* the welcome comes with the next publishing */
}

/* It believes its root, not us. */
static void
show_revocation (RegistryV1Session *session)
{
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_REVOCATION);

  message->revocation = g_strdup (session->mesh->revocation);
  registry_v1_session_send (session, message);
}

static void
on_hello (RegistryV1Session *session, const ScopeV1Message *hello)
{
  RegistryMesh *mesh = session->mesh;
  gint64 now = now_ms ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeIdentityPublic) identity = scope_identity_public_parse (hello->identity, &error);
  g_auto (RegistryVerdict) verdict = { 0 };
  RegistryMember *member;
  const char *fingerprint, *code;
  ScopeKey key;

  if (!identity)
    {
      registry_v1_session_end (session, "malformed", error->message);
      return;
    }
  fingerprint = scope_identity_public_fingerprint (identity);
  code = registry_admission_glance (mesh, fingerprint, hello, now);
  if (code)
    {
      if (g_str_equal (code, "revoked"))
        show_revocation (session);
      registry_v1_session_end (session, code, "no grant, no invite, not listed");
      return;
    }
  if (!charge (session))
    {
      registry_v1_session_end (session, "too-fast", "too many hellos from this address");
      return;
    }
  if (!verify_proof (session, hello, identity, &key, &error))
    {
      charge (session);
      registry_v1_session_end (session, scope_err_denied (error) ? "denied" : "malformed", error->message);
      return;
    }
  registry_admission_judge (mesh, identity, &key, hello, now, &verdict);
  if (verdict.code)
    {
      g_message ("network %s: %.8s is refused: %s: %s", mesh->name, fingerprint, verdict.code, verdict.message);
      registry_v1_session_end (session, verdict.code, verdict.message);
      return;
    }
  if (verdict.uses_token)
    registry_store_use_invite (mesh->store, mesh->id, verdict.token, fingerprint, now / 1000);
  if (verdict.grant)
    member = registry_mesh_put_grant (mesh, fingerprint, hello->identity, &key, verdict.grant, verdict.how, now);
  else
    member = registry_members_find (mesh->members, fingerprint);
  if (registry_admission_is_due (mesh, member, now))
    registry_admission_renew (mesh, member, FALSE, now, NULL);
  begin (session, member, hello, identity, now);
}

/* The socket */

static void
on_message (RegistrySocket *socket, const char *text, gsize len, gpointer user_data)
{
  RegistryV1Session *session = user_data;
  gint64 now = g_get_monotonic_time ();
  g_autoptr (ScopeV1Message) message = NULL;
  g_autoptr (GError) error = NULL;
  guint skipped = 0;

  session->socket = socket;
  if (!session->mesh)
    return;
  if ((!session->member && ++session->strange > REGISTRY_V1_STRANGER_MESSAGES) ||
      !registry_bucket_take (&session->messages, 1, REGISTRY_V1_MESSAGES, REGISTRY_V1_MESSAGES_BURST, now) ||
      !registry_bucket_take (&session->bytes, len, REGISTRY_V1_BYTES, REGISTRY_V1_BYTES_BURST, now))
    {
      registry_v1_session_end (session, "too-fast", "more than the limits allow");
      return;
    }
  if (text)
    message = scope_v1_parse (text, len, SCOPE_V1_TO_REGISTRY_MAX, &skipped, &error);
  if (!message)
    registry_v1_session_end (session, "malformed", error ? error->message : "not text");
  else if (session->member)
    registry_v1_session_dispatch (session, message, len);
  else if (message->type == SCOPE_V1_HELLO)
    on_hello (session, message);
  else if (message->type == SCOPE_V1_PING)
    registry_v1_session_dispatch (session, message, len);
  else
    registry_v1_session_end (session, "malformed", "hello comes first");
}

static void
on_drained (RegistrySocket *socket, gpointer user_data)
{
  RegistryV1Session *session = user_data;

  /* With changes at hand, the next publishing goes on with it. */
  if (session->mesh && !session->mesh->dirty)
    send_roster (session);
}

static void
on_closed (RegistrySocket *socket, gpointer user_data)
{
  RegistryV1Session *session = user_data;

  session->deadline = 0;
  registry_v1_session_detach (session, TRUE);
  session->socket = NULL;
  session->shared->closed (session, session->shared->user_data);
  g_free (session);
}

const RegistrySocketClass registry_v1_session_class = {
  .frame_bytes = SCOPE_V1_TO_REGISTRY_MAX,
  .queue_bytes = QUEUE_BYTES,
  .message = on_message,
  .drained = on_drained,
  .closed = on_closed,
};

RegistryV1Session *
registry_v1_session_new (RegistryMesh *mesh, const RegistryV1Shared *shared)
{
  RegistryV1Session *session = g_new0 (RegistryV1Session, 1);

  session->mesh = mesh;
  session->shared = shared;
  session->deadline = g_get_monotonic_time () + REGISTRY_HELLO_SECONDS * G_USEC_PER_SEC;
  if (getrandom (session->nonce, sizeof session->nonce, 0) != sizeof session->nonce)
    g_error ("getrandom failed");
  return session;
}

void
registry_v1_session_begin (RegistryV1Session *session, RegistrySocket *socket)
{
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_CHALLENGE);
  char nonce[SCOPE_BASE64_CHARS (REGISTRY_NONCE_LEN) + 1];

  session->socket = socket;
  if (!session->mesh)
    return;
  message->nonce = g_strdup (scope_base64url_encode (session->nonce, REGISTRY_NONCE_LEN, nonce));
  message->network = g_strdup (session->mesh->name);
  message->time = now_ms ();
  message->identity = scope_identity_public_format (session->mesh->config->file->root);
  registry_v1_session_send (session, message);
}

RegistryMesh *
registry_v1_session_mesh (const RegistryV1Session *session)
{
  return session->mesh;
}

gint64
registry_v1_session_deadline (const RegistryV1Session *session)
{
  return session->deadline;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tickets, and the WebSockets that they open. */
#include "registry/registry-carry-private.h"

#include "common/scope-fields.h"
#include "common/scope-json.h"
#include "crypto/scope-jws.h"
#include "registry/registry-carry-target.h"
#include "registry/registry-v1-session.h"
#include "wire/scope-record.h"

#include <string.h>
#include <sys/random.h>

#define TICKET_SECONDS_TO_SHOW 10
#define MESSAGES 10 /* text ones, a second, and at once */
#define MESSAGES_BURST 300
#define UNSENT_BYTES (64 * 1024) /* what TCP holds back beyond what is on its way: the rest of the queue is ours to bound */
#define QUEUE_SPARE (64 * 1024)  /* for what is no packet: never dropped */

typedef struct {
  char *network;
  char *member;
  gint64 expires; /* monotonic, µs */
} Ticket;

static void
ticket_free (gpointer data)
{
  Ticket *ticket = data;

  g_free (ticket->network);
  g_free (ticket->member);
  g_free (ticket);
}

static char *
name_of (const char *network, const char *fingerprint)
{
  return g_strdup_printf ("%s\n%s", network, fingerprint);
}

/* Who is a member now. */
static RegistryMember *
member_of (RegistryCarry *carry, const char *network, const char *name)
{
  RegistryMesh *mesh = carry->find (network, carry->user_data);
  RegistryMember *member = mesh ? registry_members_find (mesh->members, strchr (name, '\n') + 1) : NULL;

  return member && !mesh->config->killed && registry_mesh_holds (mesh, member, g_get_real_time () / 1000) ? member : NULL;
}

/* Tickets */

gboolean
registry_carry_is_on (const RegistryCarry *carry)
{
  return carry->config && carry->config->sessions > 0;
}

static gboolean
is_over (gpointer text, gpointer ticket, gpointer now)
{
  return ((Ticket *) ticket)->expires <= *(gint64 *) now;
}

static gboolean
is_of (gpointer text, gpointer ticket, gpointer member)
{
  return g_str_equal (((Ticket *) ticket)->member, member);
}

static void
drop_tickets (RegistryCarry *carry, GHRFunc func, gpointer data)
{
  if (!carry->tickets)
    return;
  g_hash_table_foreach_remove (carry->tickets, func, data);
  if (g_hash_table_size (carry->tickets) == 0)
    g_clear_pointer (&carry->tickets, g_hash_table_unref);
}

char *
registry_carry_issue (RegistryCarry *carry, const char *network, const char *fingerprint, gint64 now)
{
  guint8 bytes[SCOPE_CARRY_TICKET_LEN];
  char *text;
  Ticket *ticket;

  if (!registry_carry_is_on (carry) || getrandom (bytes, sizeof bytes, 0) != sizeof bytes)
    return NULL;
  ticket = g_new (Ticket, 1);
  ticket->network = g_strdup (network);
  ticket->member = name_of (network, fingerprint);
  ticket->expires = now + SCOPE_CARRY_TICKET_SECONDS * G_USEC_PER_SEC;
  /* One each: so there are never more than members, and few at a time that are worth a walk. */
  drop_tickets (carry, is_of, ticket->member);
  if (!carry->tickets)
    carry->tickets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, ticket_free);
  text = scope_base64url_encode (bytes, sizeof bytes, g_malloc (SCOPE_CARRY_TICKET_CHARS + 1));
  g_hash_table_insert (carry->tickets, g_strdup (text), ticket);
  return text;
}

/* Whose it is, newly allocated, once; NULL when it is no good. */
static char *
redeem (RegistryCarry *carry, const char *network, const char *text, gint64 now)
{
  Ticket *ticket = carry->tickets ? g_hash_table_lookup (carry->tickets, text) : NULL;
  char *member = NULL;

  if (!ticket)
    return NULL;
  if (ticket->expires > now && g_str_equal (ticket->network, network))
    member = g_steal_pointer (&ticket->member);
  g_hash_table_remove (carry->tickets, text);
  if (g_hash_table_size (carry->tickets) == 0)
    g_clear_pointer (&carry->tickets, g_hash_table_unref);
  return member;
}

/* Relays */

/* What it says of itself, which was verified when it came. */
static char **
recorded_endpoints (RegistryMesh *mesh, const RegistryMember *member)
{
  g_autofree char *text = NULL;
  g_autoptr (ScopeJws) jws = NULL;
  g_autoptr (JsonObject) record = NULL;
  ScopeFields d = { .where = "record" };
  const char *role_text;
  ScopeRole role;

  if (!registry_mesh_read (mesh, member, NULL, &text, NULL, NULL) || !text)
    return NULL;
  jws = scope_jws_parse (text, strlen (text), NULL);
  if (jws)
    record = scope_json_parse_object (g_bytes_get_data (jws->payload, NULL), g_bytes_get_size (jws->payload),
                                      SCOPE_JWS_MAX_BYTES, NULL);
  role_text = record ? scope_json_get_string (record, "role") : NULL;
  if (!role_text || !scope_role_parse (&role, role_text) || role == SCOPE_ROLE_EDGE)
    return NULL;
  d.object = record;
  return scope_fields_endpoints (&d, "endpoints", SCOPE_RECORD_MAX_ENDPOINTS, NULL);
}

GArray *
registry_carrier_targets (RegistryCarrier *carrier, const ScopeKey *key, const char **code)
{
  RegistryCarry *carry = carrier->carry;
  RegistryMesh *mesh = carry->find (carrier->network, carry->user_data);
  RegistryMember *member = mesh ? registry_members_find_key (mesh->members, key) : NULL;
  g_auto (GStrv) recorded = NULL;
  g_autofree char *observed = NULL;
  g_autoptr (GArray) targets = NULL;

  *code = "not-a-relay";
  if (!member || member->role == SCOPE_ROLE_EDGE || !registry_mesh_holds (mesh, member, g_get_real_time () / 1000))
    return NULL;
  recorded = recorded_endpoints (mesh, member);
  if (!recorded)
    return NULL;
  if (member->session && member->port)
    observed = registry_v1_session_endpoint (member->session, member->port);
  targets = registry_carry_targets (recorded, observed, mesh->config->file->prefixes, carry->config->private);
  *code = "nowhere";
  return targets->len ? g_steal_pointer (&targets) : NULL;
}

/* Messages */

static void
say (RegistryCarrier *carrier, const ScopeCarryMessage *message)
{
  g_autofree char *text = scope_carry_format (message);
  g_autoptr (GBytes) frame = registry_frame_new (REGISTRY_FRAME_TEXT, text, strlen (text));

  registry_socket_send (carrier->socket, frame);
}

static void
say_closed (RegistryCarrier *carrier, guint16 id, const char *code)
{
  ScopeCarryMessage message = { .type = SCOPE_CARRY_CLOSED, .id = id };

  g_strlcpy (message.code, code, sizeof message.code);
  say (carrier, &message);
}

static void
drop_links (RegistryCarrier *carrier)
{
  g_clear_pointer (&carrier->links, g_ptr_array_unref);
}

/* Nothing of it is carried any more; its WebSocket goes when the other end has seen it. */
static void
finish (RegistryCarrier *carrier, guint16 code, const char *why)
{
  if (!registry_socket_is_open (carrier->socket))
    return;
  g_debug ("network %s: carrying ends: %s", carrier->network, why);
  drop_links (carrier);
  registry_socket_close (carrier->socket, code);
}

static RegistryCarryLink *
find_link (const RegistryCarrier *carrier, guint16 id, guint *at)
{
  for (guint i = 0; carrier->links && i < carrier->links->len; i++)
    if (registry_carry_link_id (carrier->links->pdata[i]) == id)
      {
        if (at)
          *at = i;
        return carrier->links->pdata[i];
      }
  return NULL;
}

static void
on_ticket (RegistryCarrier *carrier, const ScopeCarryMessage *message, gint64 now)
{
  RegistryCarry *carry = carrier->carry;
  ScopeCarryMessage ready = { .type = SCOPE_CARRY_READY, .links = carry->config->links };
  RegistryCarrier *older;

  carrier->member = redeem (carry, carrier->network, message->ticket, now);
  if (!carrier->member || !member_of (carry, carrier->network, carrier->member))
    {
      g_clear_pointer (&carrier->member, g_free);
      finish (carrier, REGISTRY_CLOSE_POLICY, "its ticket is no good");
      return;
    }
  if (!carry->holders)
    carry->holders = g_hash_table_new (g_str_hash, g_str_equal);
  older = g_hash_table_lookup (carry->holders, carrier->member);
  g_hash_table_replace (carry->holders, carrier->member, carrier);
  if (older)
    finish (older, REGISTRY_CLOSE_NORMAL, "the same member came again");
  carrier->deadline = 0;
  carrier->active = now;
  say (carrier, &ready);
}

static void
on_open (RegistryCarrier *carrier, const ScopeCarryMessage *message)
{
  ScopeCarryMessage opened = { .type = SCOPE_CARRY_OPENED, .id = message->id };
  RegistryCarryLink *link = NULL;
  const char *code = "full";

  if (find_link (carrier, message->id, NULL))
    {
      finish (carrier, REGISTRY_CLOSE_POLICY, "a link that is open already");
      return;
    }
  if (!carrier->links)
    carrier->links = g_ptr_array_new_with_free_func ((GDestroyNotify) registry_carry_link_free);
  if (carrier->links->len < carrier->carry->config->links)
    link = registry_carry_link_new (carrier, message->id, &message->key, &code);
  if (!link)
    {
      say_closed (carrier, message->id, code);
      return;
    }
  g_ptr_array_add (carrier->links, link);
  say (carrier, &opened);
}

static void
on_close (RegistryCarrier *carrier, const ScopeCarryMessage *message)
{
  guint at;

  if (find_link (carrier, message->id, &at))
    g_ptr_array_remove_index_fast (carrier->links, at);
}

static void
on_message (RegistrySocket *socket, const char *text, gsize len, gpointer user_data)
{
  RegistryCarrier *carrier = user_data;
  gint64 now = g_get_monotonic_time ();
  ScopeCarryMessage message;

  carrier->socket = socket;
  if (!registry_bucket_take (&carrier->messages, 1, MESSAGES, MESSAGES_BURST, now))
    finish (carrier, REGISTRY_CLOSE_POLICY, "too many messages");
  else if (!scope_carry_parse (&message, text, len, NULL))
    finish (carrier, REGISTRY_CLOSE_BAD_DATA, "malformed");
  else if (!carrier->member && message.type == SCOPE_CARRY_TICKET)
    on_ticket (carrier, &message, now);
  else if (!carrier->member)
    finish (carrier, REGISTRY_CLOSE_POLICY, "no ticket");
  else if (message.type == SCOPE_CARRY_OPEN)
    on_open (carrier, &message);
  else if (message.type == SCOPE_CARRY_CLOSE)
    on_close (carrier, &message);
}

static void
on_binary (RegistrySocket *socket, const guint8 *data, gsize len, gpointer user_data)
{
  RegistryCarrier *carrier = user_data;
  guint limit = carrier->carry->config->bytes_per_second;
  ScopeCarryReader reader = { data, len };
  gint64 now = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  const guint8 *packet;
  gsize packet_len;
  guint16 id;

  carrier->socket = socket;
  if (!carrier->member)
    {
      finish (carrier, REGISTRY_CLOSE_POLICY, "no ticket");
      return;
    }
  while (scope_carry_next (&reader, &id, &packet, &packet_len, &error))
    {
      RegistryCarryLink *link = find_link (carrier, id, NULL);

      /* One that was closed while this was on its way is no error. */
      if (link && (!limit || registry_bucket_take (&carrier->up, packet_len, limit, limit, now)))
        registry_carry_link_send (link, packet, packet_len, now);
    }
  if (error)
    finish (carrier, REGISTRY_CLOSE_POLICY, error->message);
}

static void
on_closed (RegistrySocket *socket, gpointer user_data)
{
  RegistryCarrier *carrier = user_data;
  RegistryCarry *carry = carrier->carry;

  drop_links (carrier);
  if (carrier->member && carry->holders && g_hash_table_lookup (carry->holders, carrier->member) == carrier)
    g_hash_table_remove (carry->holders, carrier->member);
  if (carry->holders && g_hash_table_size (carry->holders) == 0)
    g_clear_pointer (&carry->holders, g_hash_table_unref);
  g_ptr_array_remove_fast (carry->carriers, carrier);
  if (carry->carriers->len == 0)
    g_clear_pointer (&carry->carriers, g_ptr_array_unref);
  g_free (carrier->network);
  g_free (carrier->member);
  g_free (carrier);
}

static const RegistrySocketClass carrier_class = {
  .frame_bytes = SCOPE_CARRY_MESSAGE_MAX,
  .queue_bytes = REGISTRY_CARRY_QUEUE_MAX + QUEUE_SPARE,
  .unsent_bytes = UNSENT_BYTES,
  .message = on_message,
  .binary = on_binary,
  .closed = on_closed,
};

void
registry_carry_add (RegistryCarry *carry, const char *network, GIOStream *stream, RegistryConnection *connection,
                    const ScopePrefix *client)
{
  RegistryCarrier *carrier = g_new0 (RegistryCarrier, 1);
  RegistrySocket *socket;

  carrier->carry = carry;
  carrier->network = g_strdup (network);
  carrier->active = g_get_monotonic_time ();
  carrier->deadline = carrier->active + TICKET_SECONDS_TO_SHOW * G_USEC_PER_SEC;
  if (!carry->carriers)
    carry->carriers = g_ptr_array_new ();
  g_ptr_array_add (carry->carriers, carrier);
  socket = registry_hub_add (carry->hub, stream, connection, client, &carrier_class, carrier);
  carrier->socket = socket;
  if (carry->carriers->len > carry->config->sessions)
    finish (carrier, REGISTRY_CLOSE_TRY_LATER, "too many");
}

/* Time */

static void
sweep_links (RegistryCarrier *carrier, gint64 before)
{
  for (guint i = carrier->links ? carrier->links->len : 0; i > 0; i--)
    {
      RegistryCarryLink *link = carrier->links->pdata[i - 1];

      if (registry_carry_link_active (link) > before)
        continue;
      say_closed (carrier, registry_carry_link_id (link), "idle");
      g_ptr_array_remove_index_fast (carrier->links, i - 1);
    }
}

void
registry_carry_sweep (RegistryCarry *carry, gint64 now)
{
  gint64 idle = carry->config ? (gint64) carry->config->idle_seconds * G_USEC_PER_SEC : 0;

  drop_tickets (carry, is_over, &now);
  for (guint i = carry->carriers ? carry->carriers->len : 0; i > 0; i--)
    {
      RegistryCarrier *carrier = carry->carriers->pdata[i - 1];

      if (!registry_socket_is_open (carrier->socket))
        continue;
      if (carrier->deadline && now >= carrier->deadline)
        finish (carrier, REGISTRY_CLOSE_POLICY, "no ticket came");
      else if (!registry_carry_is_on (carry) ||
               (carrier->member && !member_of (carry, carrier->network, carrier->member)))
        finish (carrier, REGISTRY_CLOSE_POLICY, "not a member any more");
      else if (now - carrier->active >= idle)
        finish (carrier, REGISTRY_CLOSE_NORMAL, "idle");
      else
        sweep_links (carrier, now - idle);
    }
}

guint
registry_carry_get_size (const RegistryCarry *carry)
{
  return carry->carriers ? carry->carriers->len : 0;
}

guint
registry_carry_get_tickets (const RegistryCarry *carry)
{
  return carry->tickets ? g_hash_table_size (carry->tickets) : 0;
}

/* Life */

RegistryCarry *
registry_carry_new (RegistryHub *hub, RegistryCarryFindFunc find, gpointer user_data)
{
  RegistryCarry *carry = g_new0 (RegistryCarry, 1);

  carry->hub = hub;
  carry->find = find;
  carry->user_data = user_data;
  carry->epoll = -1;
  return carry;
}

void
registry_carry_free (RegistryCarry *carry)
{
  g_clear_pointer (&carry->tickets, g_hash_table_unref);
  g_free (carry);
}

void
registry_carry_configure (RegistryCarry *carry, const RegistryConfig *config)
{
  carry->config = &config->carry;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * members: peers of a v1 network in one process, without NetworkManager and without WireGuard.
 *
 *     members --list COUNT                                 "key fingerprint" of each
 *     members DIRECTORY REGISTRY NETWORK ROOT PQ           then commands on standard input:
 *       start I N   come up; one line of JSON when the table has the members 0 to N - 1, I excepted
 *       stop I      say goodbye; what it keeps stays in DIRECTORY
 *       usage       one line of JSON: CPU, keys written so far, pairs that agree on a preshared key
 *
 * Each is a ScopeMember as in the service, driven as scope-engine does it: roster, plan, peers. Its secrets follow
 * from its number, so that a registry can list it. WireGuard is a double: a handshake succeeds as soon as both
 * ends have the same preshared key and is renewed every 120 s, as when a keepalive flows; of a peer in another
 * process it is taken that its key is the right one.
 */
#include "crypto/scope-x25519.h"
#include "peer/scope-member.h"
#include "peer/scope-plan.h"
#include "peer/scope-resolver.h"

#include <gio/gunixinputstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MAX_MEMBERS 1000
#define RENEW_USEC (120 * G_USEC_PER_SEC)
#define KEEPALIVE_USEC (20 * G_USEC_PER_SEC)
#define PORT 20000

typedef struct {
  ScopeKey own;
  ScopeIdentity *identity;
  ScopeSettings *settings;
  char *state;
  ScopeSource *source;
  ScopeTunnel *tunnel;
  ScopeResolver *resolver;
  GArray *addresses;
  GPtrArray *table; /* ScopeWgPeer: what WireGuard has */
  guint expected;
  gint64 began, cached, connected, full; /* monotonic */
} Member;

static const char *directory, *registry, *network, *root, *pq;
static Member *members[MAX_MEMBERS];
static GHashTable *by_key;   /* ScopeKey → Member */
static GHashTable *sessions; /* "LOWER-HIGHER" → gint64 *: the last handshake, real time */
static guint installs, readds, firsts, writes;
static gint64 writing; /* µs */

static double
cpu_usec (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* Nobody else has this key, and everybody can say it. */
static void
secrets (guint number, ScopeKey *private_key, ScopeKey *own, ScopeIdentity **identity)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (number + 1);
  guint8 secret[SCOPE_IDENTITY_SECRET_LEN];
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < sizeof secret; i++)
    secret[i] = g_rand_int (rand);
  for (gsize i = 0; i < sizeof private_key->bytes; i++)
    private_key->bytes[i] = g_rand_int (rand);
  private_key->bytes[0] &= 248;
  private_key->bytes[31] = (private_key->bytes[31] & 127) | 64;
  *identity = scope_identity_new (secret, &error);
  if (!*identity || !scope_x25519_public (own, private_key, &error))
    g_error ("%s", error->message);
}

/* --- WireGuard's double -------------------------------------------------------------------- */

typedef struct {
  ScopeTunnel parent;
  Member *member;
  ScopeTunnelConfig *config;
} Double;

typedef struct {
  ScopeTunnelClass parent;
} DoubleClass;

GType double_get_type (void);
G_DEFINE_TYPE (Double, double, SCOPE_TYPE_TUNNEL_OBJECT)

static void
double_finalize (GObject *object)
{
  scope_tunnel_config_free (((Double *) object)->config);
  G_OBJECT_CLASS (double_parent_class)->finalize (object);
}

static void
double_init (Double *self)
{
}

static void
double_class_init (DoubleClass *class)
{
  G_OBJECT_CLASS (class)->finalize = double_finalize;
}

static ScopeWgPeer *
in_table (const Member *member, const ScopeKey *key)
{
  for (guint i = 0; member->table && i < member->table->len; i++)
    {
      ScopeWgPeer *peer = g_ptr_array_index (member->table, i);
      if (scope_key_equal (&peer->pub, key))
        return peer;
    }
  return NULL;
}

static gint64 *
session_of (const ScopeKey *a, const ScopeKey *b)
{
  char text[2 * SCOPE_KEY_BASE64_LEN + 1];
  gboolean swap = scope_key_compare (a, b) > 0;
  gint64 *session;

  scope_key_to_base64 (swap ? b : a, text);
  scope_key_to_base64 (swap ? a : b, text + SCOPE_KEY_BASE64_LEN);
  session = g_hash_table_lookup (sessions, text);
  if (!session)
    g_hash_table_insert (sessions, g_strdup (text), session = g_new0 (gint64, 1));
  return session;
}

static gboolean
agree (const Member *member, const ScopeWgPeer *peer)
{
  const Member *other = g_hash_table_lookup (by_key, &peer->pub);
  const ScopeWgPeer *there = other ? in_table (other, &member->own) : NULL;

  return !other || (there && scope_key_equal (&there->preshared, &peer->preshared));
}

static gint64
handshake (const Member *member, const ScopeWgPeer *peer, gint64 now)
{
  gint64 *session = session_of (&member->own, &peer->pub);

  if (*session && now - *session < RENEW_USEC)
    return *session;
  if (agree (member, peer))
    *session = *session ? *session + (now - *session) / RENEW_USEC * RENEW_USEC : now;
  return *session;
}

/* Not WireGuard's: how much of the time goes to the disk. */
gboolean __real_g_file_set_contents_full (const char *path, const char *text, gssize len, GFileSetContentsFlags flags,
                                          int mode, GError **error);
gboolean __wrap_g_file_set_contents_full (const char *path, const char *text, gssize len, GFileSetContentsFlags flags,
                                          int mode, GError **error);

gboolean
__wrap_g_file_set_contents_full (const char *path, const char *text, gssize len, GFileSetContentsFlags flags, int mode,
                                 GError **error)
{
  gint64 began = g_get_monotonic_time ();
  gboolean good = __real_g_file_set_contents_full (path, text, len, flags, mode, error);

  writes++;
  writing += g_get_monotonic_time () - began;
  return good;
}

const ScopeTunnelConfig *__wrap_scope_tunnel_get_config (ScopeTunnel *tunnel);
ScopeWgDevice *__wrap_scope_tunnel_read (ScopeTunnel *tunnel, GError **error);
gboolean __wrap_scope_tunnel_set_preshared (ScopeTunnel *tunnel, const ScopeKey *pub, const ScopeKey *preshared,
                                            gboolean readd, GError **error);
gboolean __wrap_scope_tunnel_renew (ScopeTunnel *tunnel, const ScopeKey *pub, const ScopeSockaddr *endpoint, GError **error);
void __wrap_scope_tunnel_limit_mtu (ScopeTunnel *tunnel, guint bytes);

const ScopeTunnelConfig *
__wrap_scope_tunnel_get_config (ScopeTunnel *tunnel)
{
  return ((Double *) tunnel)->config;
}

ScopeWgDevice *
__wrap_scope_tunnel_read (ScopeTunnel *tunnel, GError **error)
{
  const Member *member = ((Double *) tunnel)->member;
  ScopeWgDevice *device = scope_wg_device_new ();
  gint64 now = g_get_real_time ();

  device->pub = member->own;
  for (guint i = 0; member->table && i < member->table->len; i++)
    {
      const ScopeWgPeer *has = g_ptr_array_index (member->table, i);
      ScopeWgPeer *peer = scope_wg_device_peer (device, &has->pub);

      peer->preshared = has->preshared;
      peer->endpoint = has->endpoint;
      peer->keepalive = has->keepalive;
      peer->handshake_usec = handshake (member, has, now);
      peer->rx_bytes = peer->tx_bytes = peer->handshake_usec ? now / KEEPALIVE_USEC * 32 : 0;
    }
  return device;
}

gboolean
__wrap_scope_tunnel_set_preshared (ScopeTunnel *tunnel, const ScopeKey *pub, const ScopeKey *preshared, gboolean readd,
                                   GError **error)
{
  Member *member = ((Double *) tunnel)->member;
  ScopeWgPeer *peer = in_table (member, pub);

  installs++;
  readds += readd;
  if (!peer)
    return TRUE;
  peer->preshared = *preshared;
  if (readd)
    *session_of (&member->own, pub) = 0;
  return TRUE;
}

/* Handshakes of the double need no endpoint, and are made when somebody looks. */
gboolean
__wrap_scope_tunnel_renew (ScopeTunnel *tunnel, const ScopeKey *pub, const ScopeSockaddr *endpoint, GError **error)
{
  return TRUE;
}

void
__wrap_scope_tunnel_limit_mtu (ScopeTunnel *tunnel, guint bytes)
{
}

/* --- what scope-engine does ---------------------------------------------------------------- */

static guint
number_of (const Member *member)
{
  guint i = 0;

  while (members[i] != member)
    i++;
  return i;
}

/* Of those that it shall find, not others that are in the roster and away. */
static guint
count_expected (const Member *member)
{
  static GHashTable *keys;
  static guint n;
  guint found = 0, own = number_of (member);

  if (!keys)
    keys = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, NULL);
  for (; n < member->expected; n++)
    {
      ScopeKey private_key, key;
      ScopeIdentity *identity;

      secrets (n, &private_key, &key, &identity);
      scope_identity_unref (identity);
      g_hash_table_insert (keys, g_memdup2 (&key, sizeof key), GUINT_TO_POINTER (n + 1));
    }
  for (guint i = 0; i < member->table->len; i++)
    {
      const ScopeWgPeer *peer = g_ptr_array_index (member->table, i);
      guint number = GPOINTER_TO_UINT (g_hash_table_lookup (keys, &peer->pub));

      found += number && number - 1 < member->expected && number - 1 != own;
    }
  return found;
}

static void
report_full (Member *member)
{
#define SINCE(t) ((t) ? ((t) - member->began) / 1000.0 : -1)
  printf ("{\"member\":%u,\"cached\":%.1f,\"connected\":%.1f,\"full\":%.1f,\"cpu\":%.0f,\"writes\":%u,"
          "\"writing\":%.1f}\n", number_of (member), SINCE (member->cached), SINCE (member->connected), SINCE (member->full),
          cpu_usec (), writes, writing / 1000.0);
  fflush (stdout);
}

static void
write_table (Member *member)
{
  g_autoptr (ScopePlan) plan = scope_plan_new (scope_source_get_roster (member->source), member->settings, &member->own,
                                               member->addresses, NULL, scope_resolver_get_table (member->resolver));

  scope_source_peers (member->source, plan->peers);
  firsts += plan->peers->len > (member->table ? member->table->len : 0)
                ? plan->peers->len - (member->table ? member->table->len : 0) : 0;
  g_clear_pointer (&member->table, g_ptr_array_unref);
  member->table = g_ptr_array_ref (plan->peers);
  if (!member->full && count_expected (member) == member->expected - (number_of (member) < member->expected))
    {
      member->full = g_get_monotonic_time ();
      if (member->connected)
        report_full (member);
    }
}

static void
raise_tunnel (Member *member)
{
  Double *tunnel = g_object_new (double_get_type (), NULL);

  tunnel->member = member;
  tunnel->config = g_new0 (ScopeTunnelConfig, 1);
  tunnel->config->ifname = g_strdup ("double");
  tunnel->config->listen_port = PORT + number_of (member);
  member->tunnel = (ScopeTunnel *) tunnel;
}

static void
on_roster (ScopeSource *source, gpointer data)
{
  Member *member = data;
  gint64 now = g_get_monotonic_time ();
  gboolean cached = scope_source_is_cached (source), first = FALSE;
  gboolean was_connected = member->connected != 0;

  if (cached && !member->cached)
    member->cached = now;
  else if (!cached && !member->connected)
    member->connected = now;
  scope_resolver_set_roster (member->resolver, scope_source_get_roster (source));
  if (!member->addresses)
    member->addresses = scope_plan_addresses (scope_source_get_roster (source), member->settings, &member->own, NULL);
  if (!member->addresses)
    return;
  if (!member->tunnel)
    {
      raise_tunnel (member);
      first = TRUE;
    }
  if (member->full && !was_connected && member->connected)
    report_full (member);
  write_table (member);
  if (first)
    scope_source_running (source, member->tunnel);
}

static void
on_peers (ScopeSource *source, gpointer data)
{
  Member *member = data;

  if (member->tunnel)
    write_table (member);
}

static void
on_resolved (gpointer data)
{
}

static void
on_trouble (ScopeSource *source, GError *error, gpointer data)
{
  g_printerr ("member %u: %s\n", number_of (data), error->message);
}

static void
start (guint number, guint expected)
{
  Member *member = g_new0 (Member, 1);
  g_autoptr (GHashTable) data = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) hidden = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;
  char text[SCOPE_KEY_BASE64_LEN + 1];
  g_autofree char *uuid = g_strdup_printf ("00000000-0000-4000-8000-%012u", number);
  ScopeSourceConfig config;
  ScopeKey private_key;

  members[number] = member;
  secrets (number, &private_key, &member->own, &member->identity);
  g_hash_table_insert (data, (char *) SCOPE_SETTING_REGISTRY, (char *) registry);
  g_hash_table_insert (data, (char *) SCOPE_SETTING_NETWORK, (char *) network);
  g_hash_table_insert (data, (char *) SCOPE_SETTING_ROOT, (char *) root);
  g_hash_table_insert (data, (char *) SCOPE_SETTING_PQ, (char *) pq);
  g_hash_table_insert (hidden, (char *) SCOPE_SETTING_PRIVATE_KEY, scope_key_to_base64 (&private_key, text));
  member->settings = scope_settings_parse (data, hidden, &error);
  if (!member->settings)
    g_error ("%s", error->message);
  member->expected = expected;
  member->state = g_strdup_printf ("%s/member-%u", directory, number);
  member->resolver = scope_resolver_new (on_resolved, member);
  g_hash_table_insert (by_key, &member->own, member);

  config = (ScopeSourceConfig) { uuid, member->settings, member->own, member->identity, member->state };
  member->began = g_get_monotonic_time ();
  member->source = scope_member_new (&config, &error);
  if (!member->source)
    g_error ("%s", error->message);
  g_signal_connect (member->source, "roster", G_CALLBACK (on_roster), member);
  g_signal_connect (member->source, "peers", G_CALLBACK (on_peers), member);
  g_signal_connect (member->source, "failed", G_CALLBACK (on_trouble), member);
  g_signal_connect (member->source, "fatal", G_CALLBACK (on_trouble), member);
  scope_source_start (member->source);
}

static void
stop (guint number)
{
  Member *member = members[number];

  g_signal_handlers_disconnect_by_data (member->source, member);
  scope_source_stop (member->source);
  g_object_unref (member->source);
  g_hash_table_remove (by_key, &member->own);
  g_clear_object (&member->tunnel);
  scope_resolver_free (member->resolver);
  g_clear_pointer (&member->addresses, g_array_unref);
  g_clear_pointer (&member->table, g_ptr_array_unref);
  scope_settings_free (member->settings);
  scope_identity_unref (member->identity);
  g_free (member->state);
  g_free (member);
  members[number] = NULL;
}

static void
usage (void)
{
  double cpu = cpu_usec ();
  guint pairs = 0;

  for (guint i = 0; i < MAX_MEMBERS; i++)
    for (guint j = 0; members[i] && members[i]->table && j < members[i]->table->len; j++)
      pairs += agree (members[i], g_ptr_array_index (members[i]->table, j));
  printf ("{\"cpu\":%.0f,\"installs\":%u,\"readds\":%u,\"firsts\":%u,\"ends\":%u}\n", cpu, installs, readds, firsts, pairs);
  fflush (stdout);
}

/* --- commands ------------------------------------------------------------------------------ */

static void
on_line (GObject *source, GAsyncResult *result, gpointer data)
{
  GDataInputStream *input = G_DATA_INPUT_STREAM (source);
  g_autofree char *line = g_data_input_stream_read_line_finish (input, result, NULL, NULL);
  guint number, expected;

  if (!line)
    {
      g_main_loop_quit (data);
      return;
    }
  if (sscanf (line, "start %u %u", &number, &expected) == 2 && number < MAX_MEMBERS && !members[number])
    start (number, expected);
  else if (sscanf (line, "stop %u", &number) == 1 && number < MAX_MEMBERS && members[number])
    stop (number);
  else if (g_str_equal (line, "usage"))
    usage ();
  else
    g_printerr ("what is “%s”?\n", line);
  g_data_input_stream_read_line_async (input, G_PRIORITY_DEFAULT, NULL, on_line, data);
}

static void
list (guint count)
{
  for (guint i = 0; i < count; i++)
    {
      ScopeKey private_key, key;
      char text[SCOPE_KEY_BASE64_LEN + 1];
      ScopeIdentity *identity;

      secrets (i, &private_key, &key, &identity);
      printf ("%s %s\n", scope_key_to_base64 (&key, text),
              scope_identity_public_fingerprint (scope_identity_public (identity)));
      scope_identity_unref (identity);
    }
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  g_autofree char *text = NULL;

  if (level > G_LOG_LEVEL_WARNING && !g_getenv ("MEMBERS_DEBUG"))
    return G_LOG_WRITER_HANDLED;
  text = g_log_writer_format_fields (level, fields, n, FALSE);
  fprintf (stderr, "%s\n", text); /* standard output is for answers */
  return G_LOG_WRITER_HANDLED;
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GInputStream) in = g_unix_input_stream_new (0, FALSE);
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (in);

  if (argc == 3 && g_str_equal (argv[1], "--list"))
    {
      list (MIN (atoi (argv[2]), MAX_MEMBERS));
      return 0;
    }
  if (argc != 6)
    {
      g_printerr ("members DIRECTORY REGISTRY NETWORK ROOT PQ, or members --list COUNT\n");
      return 2;
    }
  directory = argv[1];
  registry = argv[2];
  network = argv[3];
  root = argv[4];
  pq = argv[5];
  g_log_set_writer_func (write_log, NULL, NULL);
  by_key = g_hash_table_new (scope_key_hash, scope_key_equal);
  sessions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_data_input_stream_read_line_async (lines, G_PRIORITY_DEFAULT, NULL, on_line, loop);
  g_main_loop_run (loop);
  for (guint i = 0; i < MAX_MEMBERS; i++)
    if (members[i])
      stop (i);
  return 0;
}

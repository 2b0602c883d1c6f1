/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl as a person runs it: the built program, against a registry's double in this process. */
#include "config.h"

#include "common/scope-error.h"
#include "common/scope-invite-file.h"
#include "common/scope-json.h"
#include "crypto/scope-authority-private.h"
#include "crypto/scope-keyfile.h"
#include "crypto/scope-x25519.h"
#include "ctl/ctl-file.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-qr.h"
#include "ctl/ctl-table.h"
#include "wire/scope-record.h"
#include "wire/scope-v1.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <libsoup/soup.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define PASSPHRASE "correct horse battery staple"
#define DAY (24 * 3600)

#define assert_contains(text, part)                              \
  G_STMT_START                                                   \
  {                                                              \
    if (!strstr (text, part))                                    \
      g_error ("“%s” does not contain “%s”", text, part);        \
  }                                                              \
  G_STMT_END

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* --- the double, a directory with a network in it, and one run of the program --- */

typedef struct {
  char *dir;
  ScopeIdentity *root;
  ScopeIdentity *delegate;

  SoupServer *server;
  char *url;
  ScopeIdentityPublic *shown; /* what it calls the root */
  char *delegation;           /* nullable */
  char *revocation;           /* nullable */
  guint64 kill;               /* the highest counter it knows */
  GString *peers;             /* a roster's data */
  guint refuse;               /* answer with this status */
  const char *refusal;        /* and this text */
  GPtrArray *posts;           /* envelopes */
  guint gets;

  int status;
  char *out;
  char *err;
} Fixture;

static char *
path_of (Fixture *f, const char *name)
{
  return g_build_filename (f->dir, name, NULL);
}

static char *
content_of (Fixture *f, const char *name)
{
  g_autofree char *path = path_of (f, name);
  char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    g_error ("%s: not there", path);
  return text;
}

static guint
mode_of (Fixture *f, const char *name)
{
  g_autofree char *path = path_of (f, name);
  struct stat st;

  g_assert_cmpint (stat (path, &st), ==, 0);
  return st.st_mode & 07777;
}

static void
write_to (Fixture *f, const char *name, const char *text)
{
  g_autofree char *path = path_of (f, name);
  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
}

static guint
count_files (Fixture *f)
{
  g_autoptr (GDir) dir = g_dir_open (f->dir, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;
  return n;
}

static char *
answer_get (Fixture *f)
{
  g_autofree char *root = scope_identity_public_format (f->shown);

  return g_strdup_printf ("{\"network\":\"home\",\"root\":\"%s\",\"time\":%" G_GINT64_FORMAT
                          ",\"delegations\":[%s],\"revocation\":%s}",
                          root, now_s () * 1000, f->delegation ? f->delegation : "", f->revocation ? f->revocation : "null");
}

/* As a registry does: what the root did not sign is denied. */
static guint
take_post (Fixture *f, SoupMessageBody *body, char **answer)
{
  g_autoptr (ScopeJws) jws = scope_jws_parse (body->data, body->length, NULL);
  g_autoptr (ScopeAuthority) authority = scope_authority_new ("home", scope_identity_public (f->root));
  g_autoptr (JsonObject) payload = NULL;

  g_ptr_array_add (f->posts, g_strndup (body->data, body->length));
  if (!jws || !(payload = scope_jws_verify (jws, scope_identity_public (f->root), jws->typ, NULL)))
    return 403;
  if (g_str_equal (jws->typ, SCOPE_TYP_KILL))
    {
      g_autoptr (ScopeKill) kill = scope_authority_kill (authority, jws, f->kill, now_s (), NULL);
      if (!kill)
        return 409;
      f->kill = kill->counter;
    }
  if (g_str_equal (jws->typ, SCOPE_TYP_QUERY))
    {
      if (!scope_authority_query (authority, jws, "peers", now_s (), NULL))
        return 403;
      *answer = g_strdup (f->peers->str);
    }
  return 200;
}

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer data)
{
  Fixture *f = data;
  g_autofree char *answer = NULL;
  guint status = 200;

  if (!g_str_equal (path, "/x/v1/home"))
    status = 404;
  else if (f->refuse)
    {
      status = f->refuse;
      answer = g_strdup (f->refusal);
    }
  else if (soup_server_message_get_method (message) == SOUP_METHOD_GET)
    {
      f->gets++;
      answer = answer_get (f);
    }
  else
    status = take_post (f, soup_server_message_get_request_body (message), &answer);
  if (!answer)
    answer = g_strdup (status == 200 ? "{\"revision\":1}" : status == 409 ? "{\"code\":\"stale\"}" : "nonsense");
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, "application/json", SOUP_MEMORY_COPY, answer, strlen (answer));
}

static char *
sign_delegation (Fixture *f, guint roles, gint64 issued, gint64 expires)
{
  g_autoptr (GArray) pool = scope_prefix_parse_list ("10.77.0.0/24", 1, NULL);
  const ScopeDelegation delegation = { (char *) "home", scope_identity_public (f->delegate), roles, pool, issued, expires };
  g_autofree char *payload = scope_delegation_format (&delegation);

  return scope_jws_sign (f->root, SCOPE_TYP_DELEGATION, payload, NULL);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeKeyfile) sealed = NULL;
  g_autofree char *text = NULL;
  g_autoslist (GUri) uris = NULL;

  f->dir = g_dir_make_tmp ("scope-ctl-XXXXXX", NULL);
  f->root = scope_identity_generate (NULL);
  f->delegate = scope_identity_generate (NULL);
  f->shown = scope_identity_public (f->root);
  f->posts = g_ptr_array_new_with_free_func (g_free);
  f->peers = g_string_new ("{\"generation\":\"g\",\"revision\":1,\"since\":0,\"more\":false,\"peers\":[],\"gone\":[]}");
  f->delegation = sign_delegation (f, 1 << SCOPE_ROLE_EDGE, now_s () - 10, now_s () + DAY);

  f->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (f->server, NULL, on_request, f, NULL);
  g_assert_true (soup_server_listen_local (f->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, NULL));
  uris = soup_server_get_uris (f->server);
  f->url = g_strdup_printf ("http://127.0.0.1:%d/x", g_uri_get_port (uris->data));

  sealed = scope_keyfile_seal ("home", f->url, f->root, PASSPHRASE, NULL);
  text = scope_keyfile_format (sealed);
  write_to (f, "home.root", text);
  write_to (f, "pass", PASSPHRASE "\n");
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *inner = g_build_filename (path, name, NULL);
      remove_tree (inner);
    }
  g_remove (path);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  soup_server_disconnect (f->server);
  g_object_unref (f->server);
  remove_tree (f->dir);
  g_free (f->dir);
  scope_identity_unref (f->root);
  scope_identity_unref (f->delegate);
  g_free (f->url);
  g_free (f->delegation);
  g_free (f->revocation);
  g_string_free (f->peers, TRUE);
  g_ptr_array_unref (f->posts);
  g_free (f->out);
  g_free (f->err);
}

typedef struct {
  Fixture *f;
  GMainLoop *loop;
} Wait;

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Wait *wait = data;
  GSubprocess *process = G_SUBPROCESS (source);

  g_assert_true (g_subprocess_communicate_utf8_finish (process, result, &wait->f->out, &wait->f->err, NULL));
  g_assert_true (g_subprocess_get_if_exited (process));
  wait->f->status = g_subprocess_get_exit_status (process);
  g_main_loop_quit (wait->loop);
}

/* No terminal, whatever this test was started from; with @data, this one. */
static void
in_new_session (gpointer data)
{
  setsid ();
  if (data)
    {
      int fd = open (data, O_RDWR);
      ioctl (fd, TIOCSCTTY, 0);
    }
}

static GSubprocessLauncher *
launcher_new (Fixture *f, GSubprocessFlags flags, const char *terminal)
{
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (flags);

  g_subprocess_launcher_set_cwd (launcher, f->dir);
  g_subprocess_launcher_setenv (launcher, "XDG_CONFIG_HOME", f->dir, TRUE);
  g_subprocess_launcher_setenv (launcher, "XDG_DATA_HOME", f->dir, TRUE);
  g_subprocess_launcher_setenv (launcher, "HOME", f->dir, TRUE);
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C.UTF-8", TRUE);
  g_subprocess_launcher_setenv (launcher, "DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere", TRUE);
  g_subprocess_launcher_unsetenv (launcher, "DBUS_SESSION_BUS_ADDRESS");
  g_subprocess_launcher_unsetenv (launcher, "XDG_RUNTIME_DIR");
  g_subprocess_launcher_unsetenv (launcher, "http_proxy");
  g_subprocess_launcher_set_child_setup (launcher, in_new_session, (gpointer) terminal, NULL);
  return launcher;
}

/* A file, not a pipe: one that complains before it has read everything is no error of ours. */
static int
open_input (const char *input)
{
  int fd = open (g_get_tmp_dir (), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  gssize len = input ? strlen (input) : 0;

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, input ? input : "", len), ==, len);
  lseek (fd, 0, SEEK_SET);
  return fd;
}

static void
run_argv (Fixture *f, const char *input, const char *const *argv)
{
  g_autoptr (GSubprocessLauncher) launcher =
      launcher_new (f, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *line = g_strjoinv (" ", (char **) argv + 1);
  Wait wait = { f, loop };

  g_clear_pointer (&f->out, g_free);
  g_clear_pointer (&f->err, g_free);
  g_subprocess_launcher_take_stdin_fd (launcher, open_input (input));
  process = g_subprocess_launcher_spawnv (launcher, argv, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8_async (process, NULL, NULL, on_done, &wait);
  g_main_loop_run (loop);
  g_test_message ("scopectl %.150s: %d %s", line, f->status, f->err);
}

static void G_GNUC_NULL_TERMINATED
run (Fixture *f, const char *input, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  va_list args;

  g_ptr_array_add (argv, SCOPE_BUILDDIR "/src/ctl/scopectl");
  va_start (args, input);
  do
    g_ptr_array_add (argv, va_arg (args, char *));
  while (argv->pdata[argv->len - 1]);
  va_end (args);
  run_argv (f, input, (const char *const *) argv->pdata);
}

#define ROOT "--passphrase-file", "pass"

static void
assert_ran (Fixture *f)
{
  if (f->status != 0)
    g_error ("failed: %s", f->err);
}

/* Failed, with a message that has @part in it; nothing was written to where programs look. */
static void
assert_failed (Fixture *f, int status, const char *part)
{
  g_assert_cmpint (f->status, ==, status);
  assert_contains (f->err, part);
  g_assert_cmpstr (f->out, ==, "");
}

static ScopeJws *
posted (Fixture *f, guint i)
{
  g_autoptr (GError) error = NULL;
  ScopeJws *jws;

  g_assert_cmpuint (f->posts->len, >, i);
  jws = scope_jws_parse (f->posts->pdata[i], strlen (f->posts->pdata[i]), &error);
  g_assert_no_error (error);
  return jws;
}

static JsonObject *
printed (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  JsonObject *object = scope_json_parse_object (f->out, strlen (f->out), 1 << 20, &error);

  g_assert_no_error (error);
  return object;
}

/* --- the command line --- */

static void
test_usage (Fixture *f, gconstpointer data)
{
  const struct {
    const char *argv[12];
    const char *part;
  } cases[] = {
    { { NULL }, "no verb" },
    { { "rotat" }, "“rotat” is not a verb" },
    { { "network" }, "too few arguments, expected: create NAME" },
    { { "network", "create" }, "too few arguments" },
    { { "network", "destroy", "home" }, "“destroy” is not known" },
    { { "network", "create", "home", "more" }, "“more” is one argument too many" },
    { { "network", "create", "a/b", "--registry", "https://r", "--prefix", "10.0.0.0/8" }, "NETWORK: not a network name" },
    { { "network", "create", "new", "--prefix", "10.0.0.0/8" }, "--registry: missing" },
    { { "network", "create", "new", "--registry", "r.example", "--prefix", "10.0.0.0/8" }, "--registry: “r.example”" },
    { { "network", "create", "new", "--registry", "https://r" }, "--prefix: expected 1 to 64 prefixes" },
    { { "network", "create", "new", "--registry", "https://r", "--prefix", "10.0.0/8" }, "--prefix: " },
    { { "network", "create", "new", "--registry", "https://r", "--prefix", "10.77.0.1/24" }, "the network is 10.77.0.0/24" },
    { { "network", "create", "new", "--registry", "https://r", "--prefix", "10.0.0.0/8", "--days", "0" }, "--days: 0 is not" },
    { { "network", "create", "new", "--registry", "https://r", "--prefix", "10.0.0.0/8", "--days", "x" }, "--days" },
    { { "network", "create", "new", "--colour" }, "--colour" },
    { { "keygen" }, "--output: missing" },
    { { "keygen", "x" }, "“x” is one argument too many" },
    { { "grant" }, "too few arguments, expected: NETWORK" },
    { { "grant", "home" }, "--identity: missing" },
    { { "grant", "home", "--identity", "x" }, "--identity: not an identity" },
    { { "grant", "home", "--identity", "@nowhere" }, "--identity: nowhere: " },
    { { "grant", "home", "--identity", "@peer" }, "--key: missing" },
    { { "grant", "home", "--identity", "@peer", "--key", "x" }, "--key: not a WireGuard" },
    { { "grant", "home", "--identity", "@peer", "--key", "KEY" }, "--range: expected 1 to 64" },
    { { "grant", "home", "--identity", "@peer", "--key", "KEY", "--range", "10.0.0.0/24" }, "--range: none of them is a single" },
    { { "grant", "home", "--identity", "@peer", "--key", "KEY", "--range", "10.0.0.1", "--role", "king" }, "--role: “king”" },
    { { "grant", "home", "--identity", "@peer", "--key", "KEY", "--range", "10.0.0.1", "--name", "a\nb" }, "--name: " },
    { { "grant", "home", "--identity", "@peer", "--key", "KEY", "--range", "10.0.0.1", "--days", "99999" }, "--days: " },
    { { "grant", "home", "--peer", "gate", "--key", "KEY" }, "--key: not together with --peer" },
    { { "grant", "home", "--peer", "gate", "--identity", "@peer" }, "--identity: not together with --peer" },
    { { "grant", "home", "--peer", "gate", "--range", "192.168.7.1/24" }, "--range: 192.168.7.1/24 is an address" },
    { { "revoke", "home" }, "too few arguments, expected: NETWORK FINGERPRINT" },
    { { "revoke", "home", "abcdefgh" }, "FINGERPRINT: “abcdefgh” is not one" },
    { { "kill", "" }, "NETWORK: not a network name" },
    { { "invite", "home", "--role", "king" }, "--role: “king”" },
    { { "invite", "home", "--hours", "0" }, "--hours: 0 is not a number from 1 to 8760" },
    { { "invite", "home", "--pq", "maybe" }, "--pq: “maybe”" },
    { { "invite", "home", "--name", "" }, "--name: " },
    { { "invite", "home", "--qr", "--json" }, "--qr: not together" },
    { { "peers", "..", }, "NETWORK: not a network name" },
    { { "local", ".." }, "NETWORK: not a network name" },
    { { "local", "home", "more" }, "“more” is one argument too many" },
    { { "ping" }, "too few arguments, expected: PEER [NETWORK]" },
    { { "ping", "b", ".." }, "NETWORK: not a network name" },
    { { "ping", "b", "--count", "0" }, "--count: 0 is not a number" },
    { { "ping", "b", "--timeout", "0" }, "--timeout: 0 is not a number" },
    { { "ping", "b", "--until-direct", "--no-until-direct" }, "--until-direct: not together" },
    { { "netcheck", "--registry", "r.example" }, "--registry: “r.example”" },
    { { "netcheck", "--stun", "r.example" }, "--stun: " },
  };
  const char *const verbs[] = { "network", "invite", "grant", "revoke", "kill", "peers", "local", "ping", "netcheck", "status", "keygen" };
  g_autofree char *identity = scope_identity_public_format (scope_identity_public (f->delegate));
  ScopeKey key;
  char base64[SCOPE_KEY_BASE64_LEN + 1];

  write_to (f, "peer", identity);
  g_assert_true (scope_x25519_generate (&key, NULL));
  scope_key_to_base64 (&key, base64);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *argv[14] = { SCOPE_BUILDDIR "/src/ctl/scopectl" };

      for (guint a = 0; cases[i].argv[a]; a++)
        argv[a + 1] = g_str_equal (cases[i].argv[a], "KEY") ? base64 : cases[i].argv[a];
      run_argv (f, NULL, argv);
      assert_failed (f, CTL_USAGE, cases[i].part);
    }
  g_assert_cmpuint (f->gets + f->posts->len, ==, 0);
  g_assert_cmpuint (count_files (f), ==, 3);

  /* Here without a network is right, too. */
  run (f, NULL, "status", NULL);
  assert_failed (f, CTL_FAILURE, "the system bus: ");

  run (f, NULL, "--help", NULL);
  assert_ran (f);
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      g_autofree char *line = g_strdup_printf ("\n  %s ", verbs[i]);
      g_autofree char *usage = g_strdup_printf ("scopectl %s [OPTION", verbs[i]);

      assert_contains (f->out, line);
      run (f, NULL, verbs[i], "--help", NULL);
      assert_ran (f);
      assert_contains (f->out, usage);
      run (f, NULL, "help", NULL);
    }
  run (f, NULL, "--version", NULL);
  assert_ran (f);
  g_assert_cmpstr (f->out, ==, PACKAGE_STRING "\n");
}

/* --- network create --- */

static void
test_create (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *root_text = NULL, *network_text = NULL, *root_public = NULL;
  g_autoptr (ScopeKeyfile) k = NULL;
  g_autoptr (ScopeIdentity) root = NULL, delegate = NULL;
  g_autoptr (ScopeAuthority) authority = NULL;
  g_autoptr (JsonObject) network = NULL, result = NULL;
  g_autoptr (ScopeJws) jws = NULL;
  const ScopeDelegation *delegation;
  guint files = count_files (f);

  run (f, PASSPHRASE "\nmore\n", "network", "create", "work", "--registry", "https://r.example/x", "--prefix", "10.77.0.0/24",
       "--prefix", "fd77::/64, 10.77.0.0/24", "--passphrase-file", "-", "--days", "30", NULL);
  assert_ran (f);
  g_assert_cmpuint (count_files (f), ==, files + 2);
  g_assert_cmpuint (mode_of (f, "work.root"), ==, 0600);
  g_assert_cmpuint (mode_of (f, "work.network"), ==, 0600);
  assert_contains (f->out, "{\"name\":\"work\",\"file\":\"work.network\",\"admission\":[\"token\",\"granted\"]}");

  root_text = content_of (f, "work.root");
  k = scope_keyfile_parse (root_text, strlen (root_text), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (k->network, ==, "work");
  g_assert_cmpstr (k->registry, ==, "https://r.example/x");
  root = scope_keyfile_open (k, PASSPHRASE, &error);
  g_assert_no_error (error);
  assert_contains (f->out, scope_identity_public_fingerprint (k->identity));

  /* What the registry reads: nothing of the root's secret, and a delegation that the root's word covers. */
  network_text = content_of (f, "work.network");
  network = scope_json_parse_object_strict (network_text, strlen (network_text), 65536, &error);
  g_assert_no_error (error);
  root_public = scope_identity_public_format (k->identity);
  g_assert_cmpstr (scope_json_get_string (network, "network"), ==, "work");
  g_assert_cmpstr (scope_json_get_string (network, "root"), ==, root_public);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (network, "prefixes")), ==, 2);
  delegate = scope_identity_parse (scope_json_get_string (network, "delegate"), &error);
  g_assert_no_error (error);
  g_assert_false (scope_identity_public_equal (scope_identity_public (delegate), k->identity));
  jws = scope_jws_from_object (json_object_get_object_member (network, "delegation"), &error);
  g_assert_no_error (error);
  authority = scope_authority_new ("work", k->identity);
  g_assert_true (scope_authority_add_delegation (authority, jws, now_s (), &error));
  g_assert_no_error (error);
  delegation = scope_authority_find_delegation (authority, scope_identity_public_fingerprint (scope_identity_public (delegate)),
                                                now_s ());
  g_assert_nonnull (delegation);
  g_assert_cmpuint (delegation->roles, ==, 1 << SCOPE_ROLE_EDGE);
  g_assert_cmpuint (delegation->pool->len, ==, 2);
  g_assert_cmpint (delegation->expires - delegation->issued, ==, 30 * DAY);

  /* Nothing is overwritten, and half of it does not come into being. */
  run (f, PASSPHRASE, "network", "create", "work", "--registry", "https://r", "--prefix", "10.0.0.0/8", ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "work.root: is there already");
  write_to (f, "other.network", "precious");
  run (f, PASSPHRASE, "network", "create", "other", "--registry", "https://r", "--prefix", "10.0.0.0/8", ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "other.network: is there already");
  g_assert_cmpuint (count_files (f), ==, files + 3);

  run (f, NULL, "network", "create", "sub", "--registry", "https://r", "--prefix", "10.0.0.0/8", ROOT, "--output", "no", NULL);
  assert_failed (f, CTL_FAILURE, "--output: no: no such directory");
  run (f, "short\n", "network", "create", "sub", "--registry", "https://r", "--prefix", "10.0.0.0/8", "--passphrase-file", "-", NULL);
  assert_failed (f, CTL_FAILURE, "shorter than 8");
  run (f, "\nsecond line\n", "network", "create", "sub", "--registry", "https://r", "--prefix", "10.0.0.0/8", "--passphrase-file", "-", NULL);
  assert_failed (f, CTL_FAILURE, "--passphrase-file: -: its first line is empty");
  run (f, NULL, "network", "create", "sub", "--registry", "https://r", "--prefix", "10.0.0.0/8", NULL);
  assert_failed (f, CTL_FAILURE, "no terminal to ask for a passphrase on; use --passphrase-file");
  g_assert_cmpuint (count_files (f), ==, files + 3);

  run (f, NULL, "network", "create", "json", "--registry", "https://r", "--prefix", "10.0.0.0/8", ROOT, "--json", NULL);
  assert_ran (f);
  result = printed (f);
  g_assert_true (scope_fingerprint_valid (scope_json_get_string (result, "fingerprint")));
  g_assert_cmpstr (scope_json_get_string (result, "root"), ==, "json.root");
}

/* A disk that is full in the middle: neither file, and no rest of one. */
static void
test_files (Fixture *f, gconstpointer data)
{
  g_autofree char *path = path_of (f, "new"), *full = g_strdup ("/dev/full/x"), *dangling = path_of (f, "link");
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  guint files = count_files (f);
  gsize len;

  g_assert_true (ctl_file_create (path, "one", &error));
  g_assert_false (ctl_file_create (path, "two", &error));
  assert_contains (error->message, "is there already");
  g_clear_error (&error);
  text = ctl_file_read (path, 3, &len, &error);
  g_assert_cmpstr (text, ==, "one");
  g_assert_null (ctl_file_read (path, 2, &len, &error));
  assert_contains (error->message, "File too large");
  g_clear_error (&error);
  g_assert_true (ctl_file_replace (path, "three", NULL));
  g_assert_cmpint (symlink ("nowhere", dangling), ==, 0);
  g_assert_false (ctl_file_is_free (dangling, NULL));
  g_assert_false (ctl_file_create (dangling, "four", NULL));
  g_assert_false (ctl_file_create (full, "five", &error));
  assert_contains (error->message, full);
  g_assert_cmpuint (count_files (f), ==, files + 2);
  g_assert_cmpuint (mode_of (f, "new"), ==, 0600);
}

static void
test_keygen (Fixture *f, gconstpointer data)
{
  g_autofree char *secret = NULL, *identity_secret = NULL, *public = NULL;
  g_autoptr (ScopeIdentity) identity = NULL;
  g_autoptr (JsonObject) result = NULL;
  char base64[SCOPE_KEY_BASE64_LEN + 1];
  ScopeKey private_key, public_key;

  run (f, NULL, "keygen", "--output", "wg.key", NULL);
  assert_ran (f);
  secret = g_strchomp (content_of (f, "wg.key"));
  g_assert_cmpuint (mode_of (f, "wg.key"), ==, 0600);
  g_assert_true (scope_key_parse (&private_key, secret));
  g_assert_true (scope_x25519_public (&public_key, &private_key, NULL));
  g_assert_cmpstr (g_strchomp (f->out), ==, scope_key_to_base64 (&public_key, base64));
  g_assert_null (strstr (f->out, secret));

  run (f, NULL, "keygen", "--identity", "--output", "me", "--json", NULL);
  assert_ran (f);
  identity_secret = g_strchomp (content_of (f, "me"));
  identity = scope_identity_parse (identity_secret, NULL);
  g_assert_nonnull (identity);
  public = scope_identity_public_format (scope_identity_public (identity));
  result = printed (f);
  g_assert_cmpstr (scope_json_get_string (result, "public"), ==, public);
  g_assert_cmpstr (scope_json_get_string (result, "fingerprint"), ==,
                   scope_identity_public_fingerprint (scope_identity_public (identity)));
  g_assert_null (strstr (f->out, identity_secret));

  run (f, NULL, "keygen", "--output", "me", NULL);
  assert_failed (f, CTL_FAILURE, "me: is there already");
}

/* --- the root key, and the registry's answers --- */

typedef struct {
  ScopeIdentity *identity;
  char *public;
  ScopeKey key;
  char base64[SCOPE_KEY_BASE64_LEN + 1];
} Member;

static void
member_init (Member *m)
{
  m->identity = scope_identity_generate (NULL);
  m->public = scope_identity_public_format (scope_identity_public (m->identity));
  g_assert_true (scope_x25519_generate (&m->key, NULL));
  scope_key_to_base64 (&m->key, m->base64);
}

static void
member_clear (Member *m)
{
  scope_identity_unref (m->identity);
  g_free (m->public);
}

static const char *
member_fingerprint (Member *m)
{
  return scope_identity_public_fingerprint (scope_identity_public (m->identity));
}

#define GRANT(m) "grant", "home", "--identity", (m).public, "--key", (m).base64, "--range", "10.77.0.5/32"

static void
test_grant (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeAuthority) authority = scope_authority_new ("home", scope_identity_public (f->root));
  g_autoptr (ScopeGrant) grant = NULL, stored = NULL;
  g_autoptr (ScopeJws) jws = NULL, stored_jws = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL, *ranges = NULL;
  Member m;

  member_init (&m);
  run (f, NULL, GRANT (m), "--range", "fd77::5,192.168.7.0/24", "--role", "relay", "--name", "Büro", "--days", "7", ROOT, NULL);
  assert_ran (f);
  jws = posted (f, 0);
  grant = scope_authority_grant (authority, jws, now_s (), &error);
  g_assert_no_error (error);
  g_assert_true (grant->by_root);
  g_assert_cmpint (grant->role, ==, SCOPE_ROLE_RELAY);
  g_assert_cmpstr (grant->name, ==, "Büro");
  g_assert_true (scope_key_equal (&grant->key, &m.key));
  ranges = scope_prefix_format_list (grant->ranges);
  g_assert_cmpstr (ranges, ==, "10.77.0.5/32,fd77::5/128,192.168.7.0/24");
  g_assert_cmpint (grant->expires - grant->issued, ==, 7 * DAY);
  assert_contains (f->out, member_fingerprint (&m));

  /* Into a file instead: no registry is needed. */
  run (f, NULL, GRANT (m), "--output", "m.grant", ROOT, NULL);
  assert_ran (f);
  g_assert_cmpuint (f->posts->len, ==, 1);
  text = content_of (f, "m.grant");
  stored_jws = scope_jws_parse (text, strlen (text), &error);
  g_assert_no_error (error);
  stored = scope_authority_grant (authority, stored_jws, now_s (), &error);
  g_assert_no_error (error);
  g_assert_cmpint (stored->role, ==, SCOPE_ROLE_EDGE);
  g_assert_null (stored->name);
  run (f, NULL, GRANT (m), "--output", "m.grant", ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "m.grant: is there already");
  member_clear (&m);
}

static void
test_root (Fixture *f, gconstpointer data)
{
  g_autofree char *here = path_of (f, "home.root"), *there = g_build_filename (f->dir, "nm-scope", NULL);
  g_autofree char *moved = g_build_filename (there, "home.root", NULL);
  g_autofree char *text = content_of (f, "home.root");
  Member m;

  member_init (&m);
  run (f, NULL, GRANT (m), "--passphrase-file", "nowhere", NULL);
  assert_failed (f, CTL_FAILURE, "nowhere: No such file");
  run (f, "not the passphrase\n", GRANT (m), "--passphrase-file", "-", NULL);
  assert_failed (f, CTL_FAILURE, "home.root: the passphrase is wrong");
  run (f, NULL, GRANT (m), NULL);
  assert_failed (f, CTL_FAILURE, "home.root: there is no terminal to ask for the passphrase on");
  run (f, NULL, GRANT (m), ROOT, "--root", "elsewhere", NULL);
  assert_failed (f, CTL_FAILURE, "elsewhere: No such file");
  run (f, NULL, "peers", "work", ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "no root key of “work”: neither work.root here nor ");
  run (f, NULL, "peers", "work", ROOT, "--root", "home.root", NULL);
  assert_failed (f, CTL_FAILURE, "home.root: network: this is the root key of “home”, not of “work”");
  write_to (f, "broken.root", "{\"version\":1}");
  run (f, NULL, "peers", "home", ROOT, "--root", "broken.root", NULL);
  assert_failed (f, CTL_FAILURE, "broken.root: network: missing");
  g_assert_cmpuint (f->posts->len, ==, 0);

  g_assert_cmpint (g_mkdir (there, 0700), ==, 0);
  g_assert_cmpint (g_rename (here, moved), ==, 0);
  run (f, NULL, GRANT (m), ROOT, NULL);
  assert_ran (f);
  g_assert_cmpstr (f->err, ==, "");
  g_assert_cmpint (g_chmod (moved, 0644), ==, 0);
  run (f, NULL, GRANT (m), ROOT, NULL);
  assert_ran (f);
  assert_contains (f->err, "others may read this file");

  /* Somebody who may write the file sends nothing elsewhere. */
  g_auto (GStrv) parts = g_strsplit (text, f->url, 2);
  g_autofree char *changed = g_strjoinv ("http://127.0.0.1:1", parts);
  write_to (f, "home.root", changed);
  run (f, NULL, GRANT (m), ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "damaged or changed");
  member_clear (&m);
}

static void
test_answers (Fixture *f, gconstpointer data)
{
  const struct {
    guint status;
    const char *text, *part;
  } cases[] = {
    { 403, "{\"code\":\"denied\",\"message\":\"grant.issued: too old\"}", "refuses: denied: grant.issued: too old" },
    { 400, "{\"code\":\"malformed\",\"message\":\"payload\"}", ": malformed: payload" },
    { 404, "Not found", "it has no network “home” with a root key" },
    { 409, "{\"code\":\"stale\"}", ": stale" },
    { 308, "", "it is elsewhere" },
    { 500, "<html>\x1b[2J", "500" },
    { 503, "", "503" },
  };
  g_autofree char *two = g_strdup_printf ("http://127.0.0.1:1/x, %s//", f->url);
  g_autoptr (ScopeIdentity) stranger = scope_identity_generate (NULL);
  Member m;

  member_init (&m);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      f->refuse = cases[i].status;
      f->refusal = cases[i].text;
      run (f, NULL, GRANT (m), ROOT, NULL);
      assert_failed (f, CTL_FAILURE, cases[i].part);
      assert_contains (f->err, f->url);
      g_assert_null (strchr (f->err, '\x1b'));
    }
  f->refuse = 0;
  run (f, NULL, GRANT (m), ROOT, "--registry", "http://127.0.0.1:1/x", NULL);
  assert_failed (f, CTL_FAILURE, "registry http://127.0.0.1:1/x: ");
  run (f, NULL, GRANT (m), ROOT, "--registry", "nonsense", NULL);
  assert_failed (f, CTL_FAILURE, "--registry: “nonsense”");
  run (f, NULL, GRANT (m), ROOT, "--ca", "nowhere.pem", NULL);
  assert_failed (f, CTL_FAILURE, "--ca: nowhere.pem: ");
  g_assert_cmpuint (f->posts->len, ==, 0);

  /* The first one that answers */
  run (f, NULL, GRANT (m), ROOT, "--registry", two, NULL);
  assert_ran (f);
  g_assert_cmpuint (f->posts->len, ==, 1);

  f->shown = scope_identity_public (stranger);
  run (f, NULL, "peers", "home", ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "its network “home” has another root key");
  g_assert_cmpuint (f->posts->len, ==, 1);
  member_clear (&m);
}

/* --- revoke, kill --- */

static ScopeRevocation *
posted_revocation (Fixture *f, guint i)
{
  g_autoptr (ScopeJws) jws = posted (f, i);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) payload = scope_jws_verify (jws, scope_identity_public (f->root), SCOPE_TYP_REVOCATION, &error);
  ScopeRevocation *revocation;

  g_assert_no_error (error);
  revocation = scope_revocation_parse (payload, "home", &error);
  g_assert_no_error (error);
  return revocation;
}

static void
test_revoke (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeRevocation) first = NULL, second = NULL, third = NULL;
  g_autofree char *old = NULL, *payload = NULL;
  Member a, b, c;

  member_init (&a);
  member_init (&b);
  member_init (&c);
  char *out[] = { (char *) member_fingerprint (&a), NULL };
  const ScopeRevocation known = { (char *) "home", 7, now_s (), out };
  payload = scope_revocation_format (&known);
  f->revocation = old = scope_jws_sign (f->root, SCOPE_TYP_REVOCATION, payload, NULL);

  run (f, NULL, "revoke", "home", member_fingerprint (&b), ROOT, NULL);
  assert_ran (f);
  first = posted_revocation (f, 0);
  g_assert_cmpuint (first->counter, ==, 8);
  g_assert_cmpuint (g_strv_length (first->identities), ==, 2);
  g_assert_true (g_strv_contains ((const char *const *) first->identities, member_fingerprint (&a)));
  g_assert_true (g_strv_contains ((const char *const *) first->identities, member_fingerprint (&b)));

  /* The registry still shows the old list, or none: nobody comes back in by that. */
  run (f, NULL, "revoke", "home", member_fingerprint (&c), member_fingerprint (&a), ROOT, NULL);
  assert_ran (f);
  assert_contains (f->err, "is revoked already");
  second = posted_revocation (f, 1);
  g_assert_cmpuint (second->counter, ==, 9);
  g_assert_cmpuint (g_strv_length (second->identities), ==, 3);
  f->revocation = NULL;
  run (f, NULL, "revoke", "home", member_fingerprint (&c), ROOT, NULL);
  third = posted_revocation (f, 2);
  g_assert_cmpuint (third->counter, ==, 10);
  g_assert_cmpuint (g_strv_length (third->identities), ==, 3);

  run (f, NULL, "revoke", "home", scope_identity_public_fingerprint (scope_identity_public (f->root)), ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "that is the root key itself");
  g_assert_cmpuint (f->posts->len, ==, 3);
  write_to (f, "home.root.state", "{\"kill\":\"x\"}");
  run (f, NULL, "revoke", "home", member_fingerprint (&c), ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "home.root.state: damaged");
  member_clear (&a);
  member_clear (&b);
  member_clear (&c);
}

static void
test_kill (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeAuthority) authority = scope_authority_new ("home", scope_identity_public (f->root));
  g_autoptr (ScopeKill) kill = NULL;
  g_autoptr (ScopeJws) jws = NULL;
  g_autofree char *state = NULL;

  run (f, "home\n", "kill", "home", ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "no terminal to confirm on");
  g_assert_cmpuint (f->posts->len, ==, 0);

  run (f, NULL, "kill", "home", "--yes", "--reason", "moved \"out\"", ROOT, NULL);
  assert_ran (f);
  jws = posted (f, 0);
  kill = scope_authority_kill (authority, jws, 0, now_s (), NULL);
  g_assert_nonnull (kill);
  g_assert_cmpuint (kill->counter, ==, 1);
  g_assert_cmpstr (kill->reason, ==, "moved \"out\"");
  g_assert_cmpuint (f->kill, ==, 1);
  run (f, NULL, "kill", "home", "--yes", ROOT, NULL);
  assert_ran (f);
  g_assert_cmpuint (f->kill, ==, 2);
  g_assert_cmpuint (mode_of (f, "home.root.state"), ==, 0600);

  /* Killed from elsewhere since, often */
  f->kill = 1000;
  run (f, NULL, "kill", "home", "--yes", ROOT, NULL);
  assert_ran (f);
  g_assert_cmpuint (f->kill, >, 1000);
  state = content_of (f, "home.root.state");
  g_autofree char *want = g_strdup_printf ("\"kill\":%" G_GUINT64_FORMAT, f->kill);
  assert_contains (state, want);

  /* A registry that always says so ends it. */
  f->refuse = 409;
  f->refusal = "{\"code\":\"stale\"}";
  run (f, NULL, "kill", "home", "--yes", ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "stale");
}

/* --- invite --- */

static void
test_invite (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeAuthority) authority = scope_authority_new ("home", scope_identity_public (f->root));
  g_autoptr (ScopeInviteFile) file = NULL;
  g_autoptr (ScopeInvite) invite = NULL;
  g_autoptr (ScopeJws) jws = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = NULL;
  g_autofree char *text = NULL, *drawn = NULL;
  guint8 hash[32];

  run (f, NULL, "invite", "home", "--name", "Büro/laptop", "--hours", "2", "--pq", "preferred", ROOT, NULL);
  assert_ran (f);
  g_assert_cmpuint (mode_of (f, "home-Büro_laptop.scope"), ==, 0600);
  text = content_of (f, "home-Büro_laptop.scope");
  file = scope_invite_file_parse (text, strlen (text), now_s (), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (file->registry, ==, f->url);
  g_assert_cmpstr (file->network, ==, "home");
  g_assert_cmpstr (file->root, ==, scope_identity_public_fingerprint (scope_identity_public (f->root)));
  g_assert_cmpstr (file->name, ==, "Büro/laptop");
  g_assert_cmpstr (file->pq, ==, "preferred");
  g_assert_cmpint (ABS (file->expires - now_s () - 2 * 3600), <=, 30);
  assert_contains (f->out, "nmcli connection import type scope file home-Büro_laptop.scope");
  g_assert_null (strstr (f->out, file->token));

  /* The registry knows the token's hash alone. */
  jws = posted (f, 0);
  invite = scope_authority_invite (authority, jws, now_s (), &error);
  g_assert_no_error (error);
  scope_token_hash (file->token, hash);
  g_assert_cmpmem (hash, 32, invite->token, 32);
  g_assert_cmpint (invite->expires, ==, file->expires);
  g_assert_cmpstr (invite->name, ==, "Büro/laptop");
  g_assert_cmpint (invite->role, ==, SCOPE_ROLE_EDGE);
  g_assert_null (strstr (f->posts->pdata[0], file->token));

  run (f, NULL, "invite", "home", "--name", "Büro/laptop", ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "is there already");
  g_assert_cmpuint (f->posts->len, ==, 1);

  run (f, NULL, "invite", "home", "--output", "i.scope", "--qr", ROOT, NULL);
  assert_ran (f);
  g_clear_pointer (&text, g_free);
  text = content_of (f, "i.scope");
  drawn = ctl_qr_draw (text, FALSE, NULL, NULL);
  assert_contains (f->out, drawn);

  run (f, NULL, "invite", "home", "--json", ROOT, NULL);
  assert_ran (f);
  result = printed (f);
  g_assert_cmpstr (scope_json_get_string (result, "file"), ==, "home.scope");

  /* What the registry could not honour is not handed out. */
  run (f, NULL, "invite", "home", "--role", "relay", "--output", "r.scope", ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "--role: the registry");
  g_clear_pointer (&f->delegation, g_free);
  run (f, NULL, "invite", "home", "--output", "r.scope", ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "has no valid delegation");
  f->delegation = sign_delegation (f, 1 << SCOPE_ROLE_EDGE, now_s () - 2 * DAY, now_s () - DAY);
  run (f, NULL, "invite", "home", "--output", "r.scope", ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "has no valid delegation");
  assert_contains (f->err, "delegation 1: ");
  g_assert_cmpuint (f->posts->len, ==, 3);
}

/* Each module of the code is where it should be, and the margin is light. */
static void
test_qr (Fixture *f, gconstpointer data)
{
  const char *text = "https://registry.example/scope";
  QRcode *code = QRcode_encodeData (strlen (text), (const guint8 *) text, 0, QR_ECLEVEL_L);
  guint columns;
  g_autofree char *drawn = ctl_qr_draw (text, FALSE, &columns, NULL), *coloured = ctl_qr_draw (text, TRUE, NULL, NULL);
  g_auto (GStrv) lines = g_strsplit (drawn, "\n", -1);
  g_autofree char *huge = g_strnfill (5000, 'x');

  g_assert_cmpuint (columns, ==, code->width + 8);
  g_assert_cmpuint (g_strv_length (lines) - 1, ==, (columns + 1) / 2);
  for (guint y = 0; y < columns; y++)
    {
      g_assert_cmpint (g_utf8_strlen (lines[y / 2], -1), ==, columns);
      for (guint x = 0; x < columns; x++)
        {
          gunichar c = g_utf8_get_char (g_utf8_offset_to_pointer (lines[y / 2], x));
          gboolean light = c == 0x2588 || c == (y % 2 ? 0x2584 : 0x2580);
          gboolean inside = x >= 4 && y >= 4 && x < columns - 4 && y < columns - 4;
          gboolean dark = inside && (code->data[(y - 4) * code->width + x - 4] & 1);
          g_assert_cmpint (light, ==, !dark);
        }
    }
  QRcode_free (code);
  assert_contains (coloured, "\033[97;40m");
  g_assert_null (ctl_qr_draw (huge, FALSE, NULL, NULL));
}

/* --- peers --- */

static char *
grant_to (Fixture *f, const ScopeIdentity *signer, Member *m, const char *ranges, const char *name, gint64 issued)
{
  g_autoptr (GArray) list = scope_prefix_parse_list (ranges, 9, NULL);
  const ScopeGrant grant = { .network = (char *) "home",
                             .identity = scope_identity_public (m->identity),
                             .key = m->key,
                             .ranges = list,
                             .name = (char *) name,
                             .issued = issued,
                             .expires = now_s () + 3600 };
  g_autofree char *payload = scope_grant_format (&grant);

  return scope_jws_sign (signer, SCOPE_TYP_GRANT, payload, NULL);
}

static char *
record_of (Member *m, const char *range, const ScopeIdentity *signer)
{
  g_autoptr (ScopeRecord) record = scope_record_new ("home");
  g_autofree char *payload = NULL;

  g_array_unref (record->ranges);
  record->ranges = scope_prefix_parse_list (range, 9, NULL);
  record->key = m->key;
  record->sequence = 1;
  record->issued = now_s ();
  record->expires = now_s () + 3600;
  record->pq = SCOPE_PQ_REQUIRED;
  g_strfreev (record->endpoints);
  record->endpoints = g_strsplit ("192.0.2.7:51820", ",", -1);
  payload = scope_record_format (record);
  return scope_jws_sign (signer, SCOPE_TYP_RECORD, payload, NULL);
}

static void
add_entry (Fixture *f, GString *entries, Member *m, const ScopeKey *key, char *grant, char *record, gboolean online)
{
  g_autoptr (ScopeV1Entry) entry = scope_v1_entry_new (key);

  g_free (entry->grant);
  entry->grant = grant;
  entry->record = record;
  entry->online = online;
  entry->seen = (now_s () - 3 * 3600) * 1000;
  if (entries->len)
    g_string_append_c (entries, ',');
  scope_v1_entry_append (entry, entries);
}

static const char *
problem_of (JsonArray *peers, Member *m, gboolean *good)
{
  for (guint i = 0; i < json_array_get_length (peers); i++)
    {
      JsonObject *peer = json_array_get_object_element (peers, i);
      if (g_str_equal (scope_json_get_string (peer, "key"), m->base64))
        {
          *good = json_object_get_boolean_member (peer, "good");
          return scope_json_get_string (peer, "problem");
        }
    }
  g_error ("not listed: %s", m->base64);
}

static void
test_peers (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) entries = g_string_new (NULL);
  g_autoptr (ScopeIdentity) stranger = scope_identity_generate (NULL);
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *revoked_payload = NULL;
  Member m[7];
  JsonArray *peers;
  gboolean good;

  for (guint i = 0; i < G_N_ELEMENTS (m); i++)
    member_init (&m[i]);
  add_entry (f, entries, &m[0], &m[0].key, grant_to (f, f->root, &m[0], "10.77.0.5/32", "L\xc3\xa4ptop", now_s ()),
             record_of (&m[0], "10.77.0.5/32", m[0].identity), TRUE);
  add_entry (f, entries, &m[1], &m[1].key, grant_to (f, f->delegate, &m[1], "10.77.0.6/32", NULL, now_s ()), NULL, FALSE);
  add_entry (f, entries, &m[2], &m[2].key, grant_to (f, stranger, &m[2], "10.77.0.7/32", NULL, now_s ()), NULL, TRUE);
  add_entry (f, entries, &m[3], &m[3].key, grant_to (f, f->root, &m[3], "10.77.0.8/32", NULL, now_s ()),
             record_of (&m[3], "10.77.0.99/32", m[3].identity), TRUE);
  add_entry (f, entries, &m[4], &m[4].key, grant_to (f, f->root, &m[4], "10.77.0.9/32", NULL, now_s ()),
             record_of (&m[4], "10.77.0.9/32", stranger), TRUE);
  add_entry (f, entries, &m[5], &m[5].key, grant_to (f, f->root, &m[5], "10.77.0.10/32", NULL, now_s ()), NULL, TRUE);
  add_entry (f, entries, &m[6], &m[6].key, grant_to (f, f->delegate, &m[6], "10.77.0.5/32", NULL, now_s () - 5), NULL, TRUE);
  g_string_printf (f->peers, "{\"generation\":\"g\",\"revision\":1,\"since\":0,\"more\":false,\"peers\":[%s],\"gone\":[]}",
                   entries->str);
  char *out[] = { (char *) member_fingerprint (&m[5]), NULL };
  const ScopeRevocation revoked = { (char *) "home", 1, now_s (), out };
  revoked_payload = scope_revocation_format (&revoked);
  f->revocation = scope_jws_sign (f->root, SCOPE_TYP_REVOCATION, revoked_payload, NULL);

  run (f, NULL, "peers", "home", "--json", ROOT, NULL);
  assert_ran (f);
  node = json_from_string (f->out, NULL);
  peers = json_node_get_array (node);
  g_assert_cmpuint (json_array_get_length (peers), ==, G_N_ELEMENTS (m));
  g_assert_null (problem_of (peers, &m[0], &good));
  g_assert_true (good);
  g_assert_null (problem_of (peers, &m[1], &good));
  g_assert_true (good);
  assert_contains (problem_of (peers, &m[2], &good), "neither the root nor a delegate");
  g_assert_false (good);
  assert_contains (problem_of (peers, &m[3], &good), "10.77.0.99/32 is not granted");
  assert_contains (problem_of (peers, &m[4], &good), "sign");
  assert_contains (problem_of (peers, &m[5], &good), "revoked");
  assert_contains (problem_of (peers, &m[6], &good), "10.77.0.5/32 belongs to ");

  run (f, NULL, "peers", "home", ROOT, NULL);
  assert_ran (f);
  assert_contains (f->out, "Läptop");
  assert_contains (f->out, "192.0.2.7:51820");
  assert_contains (f->out, "3 h ago");
  assert_contains (f->out, "NOT GOOD: ");
  g_auto (GStrv) lines = g_strsplit (f->out, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, G_N_ELEMENTS (m) + 2);
  g_assert_true (g_str_has_prefix (lines[G_N_ELEMENTS (m)], "(")); /* nobody knows whose key that is: last */

  /* The links between three of them, as the registry tells: from 0 to 2 it is shorter over 1. */
  {
    const Member *r[] = { &m[0], &m[1], &m[6] };
    g_autoptr (ScopeV1Message) paths = scope_v1_message_new (SCOPE_V1_PATHS);
    g_autofree char *text = NULL;
    JsonObject *far = NULL, *near = NULL;

    paths->relays = g_array_new (FALSE, FALSE, sizeof (ScopeKey));
    paths->links = g_array_new (FALSE, FALSE, sizeof (ScopeLatency));
    for (guint i = 0; i < 3; i++)
      g_array_append_val (paths->relays, r[i]->key);
    g_array_sort (paths->relays, scope_key_compare);
    for (guint i = 0; i < 2; i++)
      for (guint j = i + 1; j < 3; j++)
        {
          ScopeLatency link = { g_array_index (paths->relays, ScopeKey, i), g_array_index (paths->relays, ScopeKey, j), 20 };

          if (!scope_key_equal (&link.a, &m[1].key) && !scope_key_equal (&link.b, &m[1].key))
            link.ms = 100;
          g_array_append_val (paths->links, link);
        }
    text = scope_v1_format (paths);
    text[strlen (text) - 1] = '\0';
    g_string_truncate (f->peers, f->peers->len - 1);
    g_string_append_printf (f->peers, ",\"paths\":%s}", text + strlen ("{\"t\":\"paths\",\"d\":"));
    run (f, NULL, "peers", "home", "--json", "--from", "L\xc3\xa4ptop", ROOT, NULL);
    assert_ran (f);
    g_clear_pointer (&node, json_node_unref);
    node = json_from_string (f->out, NULL);
    peers = json_node_get_array (node);
    for (guint i = 0; i < json_array_get_length (peers); i++)
      {
        JsonObject *peer = json_array_get_object_element (peers, i);
        const char *key = scope_json_get_string (peer, "key");

        if (g_str_equal (key, m[6].base64))
          far = peer;
        else if (g_str_equal (key, m[1].base64))
          near = peer;
        else
          g_assert_false (json_object_has_member (peer, "sum"));
      }
    g_assert_cmpint (json_object_get_int_member (far, "sum"), ==, 40);
    g_assert_cmpstr (scope_json_get_string (far, "mode"), ==, "leastSum");
    g_assert_cmpstr (scope_json_get_string (far, "leastSource"), ==, m[1].base64);
    g_assert_cmpint (json_object_get_int_member (near, "sum"), ==, 20);
    g_assert_cmpstr (scope_json_get_string (near, "mode"), ==, "direct");
    g_assert_false (json_object_has_member (near, "leastSource"));

    run (f, NULL, "peers", "home", "--from", "L\xc3\xa4ptop", ROOT, NULL);
    assert_ran (f);
    assert_contains (f->out, "LEASTSOURCE");
    assert_contains (f->out, "40 ms");
    assert_contains (f->err, "as seen from L\xc3\xa4ptop");
    run (f, NULL, "peers", "home", ROOT, NULL); /* whoever is the first one */
    assert_ran (f);
    assert_contains (f->out, "20 ms");
    run (f, NULL, "peers", "home", "--from", "nobody", ROOT, NULL);
    assert_failed (f, CTL_FAILURE, "nobody");
  }

  g_string_assign (f->peers, "{\"peers\":7}");
  run (f, NULL, "peers", "home", ROOT, NULL);
  assert_failed (f, CTL_FAILURE, "roster");
  for (guint i = 0; i < G_N_ELEMENTS (m); i++)
    member_clear (&m[i]);
}

/* Who is in already becomes a relay: the registry is asked for its keys, and is not believed who it is. */
static void
test_promote (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) entries = g_string_new (NULL);
  g_autoptr (ScopeAuthority) authority = scope_authority_new ("home", scope_identity_public (f->root));
  g_autoptr (ScopeIdentity) stranger = scope_identity_generate (NULL);
  gint64 later = now_s () + 60;
  struct {
    const char *name;
    const char *ranges;
    const ScopeIdentity *signer;
    const ScopeIdentity *record_signer;
    Member m;
  } peers[] = {
    { "gate", "10.77.0.5/32", f->delegate, NULL, { NULL } },
    { "twin", "10.77.0.6/32", f->delegate, NULL, { NULL } },
    { "twin", "10.77.0.7/32", f->delegate, NULL, { NULL } },
    { "silent", "10.77.0.8/32", f->delegate, NULL, { NULL } },
    { "forged", "10.77.0.9/32", f->delegate, stranger, { NULL } },
    { "old", "10.77.0.10/32,192.168.9.0/24", f->root, NULL, { NULL } },
  };
  const struct {
    const char *peer;
    const char *part;
  } refused[] = {
    { "nobody", "nobody who has been there is called “nobody”" },
    { "twin", "several that are called “twin”" },
    { "silent", "silent has not signed anything yet" },
    { "forged", "forged is not good: " },
  };
  const struct {
    const char *const argv[6];
    guint peer;
    ScopeRole role;
    const char *name;
    const char *ranges;
  } good[] = {
    { { "--role", "relay", "--range", "192.168.7.0/24,10.77.0.5" }, 0, SCOPE_ROLE_RELAY, "gate", "10.77.0.5/32,192.168.7.0/24" },
    { { "--role", "master", "--name", "hub" }, 0, SCOPE_ROLE_MASTER, "hub", "10.77.0.5/32" },
    { { "--role", "relay" }, 5, SCOPE_ROLE_RELAY, "old", "10.77.0.10/32,192.168.9.0/24" },
    { { "--range", "192.168.8.0/24" }, 5, SCOPE_ROLE_EDGE, "old", "10.77.0.10/32,192.168.8.0/24" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      Member *m = &peers[i].m;
      const ScopeIdentity *signer;

      member_init (m);
      signer = peers[i].record_signer ? peers[i].record_signer : m->identity;
      add_entry (f, entries, m, &m->key, grant_to (f, peers[i].signer, m, peers[i].ranges, peers[i].name, i == 5 ? later : now_s ()),
                 i == 3 || i == 5 ? NULL : record_of (m, peers[i].ranges, signer), TRUE);
    }
  g_string_printf (f->peers, "{\"generation\":\"g\",\"revision\":1,\"since\":0,\"more\":false,\"peers\":[%s],\"gone\":[]}",
                   entries->str);

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      run (f, NULL, "grant", "home", "--peer", refused[i].peer, "--role", "relay", ROOT, NULL);
      assert_failed (f, CTL_FAILURE, refused[i].part);
      g_assert_cmpuint (f->posts->len, ==, i + 1); /* the question */
    }
  {
    g_autofree char *some = g_strndup (member_fingerprint (&peers[0].m), 12);

    run (f, NULL, "grant", "home", "--peer", some, "--role", "relay", ROOT, NULL);
    assert_failed (f, CTL_FAILURE, "or a whole fingerprint");
  }
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      const char *fingerprint = member_fingerprint (&peers[good[i].peer].m);
      const char *argv[16] = { SCOPE_BUILDDIR "/src/ctl/scopectl", "grant", "home", ROOT, "--peer", i ? fingerprint : "gate" };
      g_autoptr (ScopeJws) jws = NULL;
      g_autoptr (ScopeGrant) grant = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *ranges = NULL;

      for (guint a = 0; good[i].argv[a]; a++)
        argv[7 + a] = good[i].argv[a];
      run_argv (f, NULL, argv);
      assert_ran (f);
      assert_contains (f->out, fingerprint);
      jws = posted (f, f->posts->len - 1);
      grant = scope_authority_grant (authority, jws, now_s (), &error);
      g_assert_no_error (error);
      g_assert_true (grant->by_root);
      g_assert_true (scope_identity_public_equal (grant->identity, scope_identity_public (peers[good[i].peer].m.identity)));
      g_assert_true (scope_key_equal (&grant->key, &peers[good[i].peer].m.key));
      g_assert_cmpint (grant->role, ==, good[i].role);
      g_assert_cmpstr (grant->name, ==, good[i].name);
      ranges = scope_prefix_format_list (grant->ranges);
      g_assert_cmpstr (ranges, ==, good[i].ranges);
      if (good[i].peer == 5)
        g_assert_cmpint (grant->issued, ==, later + 1);
    }
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    member_clear (&peers[i].m);
}

static void
test_table (Fixture *f, gconstpointer data)
{
  const char *const headings[] = { "A", "B", NULL };
  g_autoptr (CtlTable) table = ctl_table_new (headings);
  g_autofree char *text = NULL;

  ctl_table_add (table, "日本");
  ctl_table_add (table, "x\x1b[2J\ny");
  ctl_table_add (table, "\xc3\xa4\xe2\x80\xae");
  ctl_table_add (table, NULL);
  text = ctl_table_format (table);
  g_assert_cmpstr (text, ==, "A     B\n日本  x [2J y\nä     -\n");
}

/* --- the terminal --- */

typedef struct {
  int fd;
  GString *seen;
  const char *const *dialogue; /* what must have been seen, what to type, … NULL */
} Typist;

static gboolean
on_terminal (GIOChannel *channel, GIOCondition condition, gpointer data)
{
  Typist *t = data;
  char buffer[512];
  gssize n = read (t->fd, buffer, sizeof buffer);

  if (n <= 0)
    return G_SOURCE_REMOVE;
  g_string_append_len (t->seen, buffer, n);
  while (t->dialogue[0] && strstr (t->seen->str, t->dialogue[0]))
    {
      g_autofree char *line = g_strconcat (t->dialogue[1], "\n", NULL);

      g_assert_cmpint (write (t->fd, line, strlen (line)), ==, (gssize) strlen (line));
      t->dialogue += 2;
    }
  return G_SOURCE_CONTINUE;
}

/* What the terminal showed; the exit status is in @f. */
static char *
run_on_terminal (Fixture *f, const char *const *dialogue, ...)
{
  int master = posix_openpt (O_RDWR | O_NOCTTY);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GIOChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  Typist typist = { master, g_string_new (NULL), dialogue };
  Wait wait = { f, loop };
  char *name;
  va_list args;

  grantpt (master);
  unlockpt (master);
  name = ptsname (master);
  launcher = launcher_new (f, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, name);
  g_ptr_array_add (argv, SCOPE_BUILDDIR "/src/ctl/scopectl");
  va_start (args, dialogue);
  do
    g_ptr_array_add (argv, va_arg (args, char *));
  while (argv->pdata[argv->len - 1]);
  va_end (args);
  g_clear_pointer (&f->out, g_free);
  g_clear_pointer (&f->err, g_free);
  channel = g_io_channel_unix_new (master);
  guint watch = g_io_add_watch (channel, G_IO_IN, on_terminal, &typist);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv->pdata, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8_async (process, NULL, NULL, on_done, &wait);
  g_main_loop_run (loop);
  g_source_remove (watch);
  close (master);
  g_test_message ("%s | %d %s", typist.seen->str, f->status, f->err);
  return g_string_free (typist.seen, FALSE);
}

static void
test_terminal (Fixture *f, gconstpointer data)
{
  const char *const differ[] = { "Passphrase for the root key:", PASSPHRASE, "The same again:", PASSPHRASE "x", NULL };
  const char *const same[] = { "Passphrase for the root key:", PASSPHRASE, "The same again:", PASSPHRASE, NULL };
  const char *const killing[] = { "to go on:", "home", "Passphrase of home.root:", PASSPHRASE, NULL };
  const char *const thinking[] = { "to go on:", "no", NULL };
  const char *const wrong[] = { "Passphrase of home.root:", "first", "Passphrase of home.root: \r\nPassphrase of home.root:",
                                PASSPHRASE, NULL };
  g_autofree char *seen = NULL, *text = NULL;
  g_autoptr (ScopeKeyfile) k = NULL;
  g_autoptr (ScopeIdentity) root = NULL;

  seen = run_on_terminal (f, differ, "network", "create", "new", "--registry", "https://r", "--prefix", "10.0.0.0/8", NULL);
  assert_failed (f, CTL_FAILURE, "the two passphrases differ");
  g_assert_null (strstr (seen, PASSPHRASE)); /* no echo */
  g_clear_pointer (&seen, g_free);

  seen = run_on_terminal (f, same, "network", "create", "new", "--registry", "https://r", "--prefix", "10.0.0.0/8", NULL);
  assert_ran (f);
  g_assert_null (strstr (seen, PASSPHRASE));
  text = content_of (f, "new.root");
  k = scope_keyfile_parse (text, strlen (text), NULL);
  root = scope_keyfile_open (k, PASSPHRASE, NULL);
  g_assert_nonnull (root);
  g_clear_pointer (&seen, g_free);

  seen = run_on_terminal (f, thinking, "kill", "home", NULL);
  assert_failed (f, CTL_FAILURE, "that was not the network's name; nothing was done");
  g_assert_cmpuint (f->posts->len, ==, 0);
  g_clear_pointer (&seen, g_free);
  seen = run_on_terminal (f, killing, "kill", "home", NULL);
  assert_ran (f);
  g_assert_cmpuint (f->kill, ==, 1);
  g_assert_null (strstr (seen, PASSPHRASE));
  g_clear_pointer (&seen, g_free);

  /* One more try after a wrong passphrase */
  seen = run_on_terminal (f, wrong, "peers", "home", NULL);
  assert_ran (f);
  assert_contains (f->err, "Once more");
}

/* --- the keyring --- */

/* A real Secret Service on a bus of its own. */
static void
run_with_keyring (Fixture *f, const char *commands)
{
  g_autofree char *script = g_strdup_printf (
      "printf test | gnome-keyring-daemon --foreground --components=secrets --unlock >/dev/null 2>&1 & keyring=$!\n"
      "gdbus wait --session --timeout 20 org.freedesktop.secrets || exit 77\n"
      "%s\nstatus=$?; kill $keyring; exit $status", commands);
  const char *const argv[] = { "dbus-run-session", "--", "env", "PATH=" SCOPE_BUILDDIR "/src/ctl:/usr/bin:/bin", "sh", "-c", script, NULL };

  run_argv (f, NULL, argv);
}

static void
test_keyring (Fixture *f, gconstpointer data)
{
  g_autofree char *program = g_find_program_in_path ("gnome-keyring-daemon");
  g_autofree char *create = g_strdup_printf (
      "scopectl network create work --registry %s --prefix 10.0.0.0/8 --passphrase-file pass --keyring >/dev/null", f->url);
  g_autofree char *with = g_strconcat (create, " && scopectl kill work --yes", NULL);
  g_autofree char *without = g_strconcat ("scopectl kill work --yes --no-keyring", NULL);

  if (!program)
    {
      g_test_skip ("no gnome-keyring");
      return;
    }
  /* Unlocked, it comes as far as the registry, which does not know this network. */
  run_with_keyring (f, with);
  assert_failed (f, CTL_FAILURE, "it has no network “work”");
  run_with_keyring (f, without);
  assert_failed (f, CTL_FAILURE, "no terminal to ask for the passphrase on");
  run (f, NULL, "network", "create", "new", "--registry", f->url, "--prefix", "10.0.0.0/8", ROOT, "--keyring", NULL);
  assert_ran (f);
  assert_contains (f->err, "this session has no keyring");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/ctl/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("usage", test_usage);
  ADD ("create", test_create);
  ADD ("files", test_files);
  ADD ("keygen", test_keygen);
  ADD ("grant", test_grant);
  ADD ("root", test_root);
  ADD ("answers", test_answers);
  ADD ("revoke", test_revoke);
  ADD ("kill", test_kill);
  ADD ("invite", test_invite);
  ADD ("qr", test_qr);
  ADD ("peers", test_peers);
  ADD ("promote", test_promote);
  ADD ("table", test_table);
  ADD ("terminal", test_terminal);
  ADD ("keyring", test_keyring);
  return g_test_run ();
}

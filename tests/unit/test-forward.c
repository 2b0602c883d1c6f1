/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-forward: kernel settings that go back to what they were (scope-sysctl, on files), by which interface a network is
 * reached (scope-routes), and firewalls that drop what is forwarded (scope-firewall).
 */
#include "config.h"

#include "tunnel/scope-fence.h"
#include "tunnel/scope-firewall.h"
#include "tunnel/scope-firewalld.h"
#include "tunnel/scope-routes.h"
#include "tunnel/scope-sysctl.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- settings ------------------------------------------------------------------------------- */

typedef struct {
  char *dir;
  char *proc;
  char *run;
} Fixture;

static void
put (Fixture *f, const char *key, const char *value)
{
  g_autofree char *path = g_build_filename (f->proc, key, NULL);
  g_autofree char *dir = g_path_get_dirname (path);

  /* It runs as root: nothing outside of our own folder, however odd the name. */
  g_assert_false (g_str_has_prefix (key, "../../"));
  g_mkdir_with_parents (dir, 0755);
  g_assert_true (g_file_set_contents (path, value, -1, NULL));
}

static void
assert_value (Fixture *f, const char *key, const char *value)
{
  g_autofree char *path = g_build_filename (f->proc, key, NULL);
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (g_strstrip (text), ==, value);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp ("test-forward-XXXXXX", NULL);
  f->proc = g_build_filename (f->dir, "proc", NULL);
  f->run = g_build_filename (f->dir, "run", NULL);
  put (f, "ipv4/conf/eth0/forwarding", "0\n");
  put (f, "ipv4/conf/home/forwarding", "0\n");
  put (f, "ipv6/conf/all/forwarding", "0\n");
  put (f, "ipv6/conf/eth0/forwarding", "0\n");
  put (f, "ipv6/conf/eth0/accept_ra", "1\n");
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *below = g_build_filename (path, name, NULL);
      remove_all (below);
    }
  g_remove (path);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  remove_all (f->dir);
  g_free (f->dir);
  g_free (f->proc);
  g_free (f->run);
}

static ScopeSysctl *
make (Fixture *f, const char *name)
{
  g_autoptr (GError) error = NULL;
  ScopeSysctl *sysctl = scope_sysctl_new (f->proc, f->run, name, &error);

  g_assert_no_error (error);
  return sysctl;
}

static void
assert_need (ScopeSysctl *sysctl, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  scope_sysctl_need (sysctl, key, value, &error);
  g_assert_no_error (error);
}

static void
test_back (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeSysctl) sysctl = make (f, "home");

  put (f, "ipv4/conf/set/forwarding", "1\n");
  assert_need (sysctl, "ipv4/conf/eth0/forwarding", "1");
  assert_need (sysctl, "ipv4/conf/eth0/forwarding", "1");
  assert_need (sysctl, "ipv4/conf/home/forwarding", "1");
  assert_need (sysctl, "ipv4/conf/set/forwarding", "1");
  assert_need (sysctl, "ipv6/conf/all/forwarding", "1");
  assert_value (f, "ipv4/conf/eth0/forwarding", "1");
  assert_value (f, "ipv6/conf/all/forwarding", "1");
  assert_value (f, "ipv6/conf/eth0/accept_ra", "1");
  scope_sysctl_drop (sysctl, "ipv4/conf/eth0/forwarding");
  assert_value (f, "ipv4/conf/eth0/forwarding", "0");
  assert_value (f, "ipv4/conf/home/forwarding", "1");
  g_clear_pointer (&sysctl, scope_sysctl_free);
  assert_value (f, "ipv4/conf/home/forwarding", "0");
  assert_value (f, "ipv4/conf/set/forwarding", "1"); /* not by us */
  assert_value (f, "ipv6/conf/all/forwarding", "0");
}

static void
test_others_change (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeSysctl) sysctl = make (f, "home");

  put (f, "ipv4/conf/eth0/forwarding", "1\n");
  assert_need (sysctl, "ipv4/conf/eth0/forwarding", "2");
  put (f, "ipv4/conf/eth0/forwarding", "7\n");
  g_clear_pointer (&sysctl, scope_sysctl_free);
  assert_value (f, "ipv4/conf/eth0/forwarding", "7");
}

/* Whoever is last sets it back, whoever came first. */
static void
test_two (Fixture *f, gconstpointer data)
{
  for (int first = 0; first < 2; first++)
    {
      ScopeSysctl *both[] = { make (f, "a"), make (f, "b") };

      assert_need (both[0], "ipv4/conf/eth0/forwarding", "1");
      assert_need (both[1], "ipv4/conf/eth0/forwarding", "1");
      scope_sysctl_free (both[first]);
      assert_value (f, "ipv4/conf/eth0/forwarding", "1");
      scope_sysctl_free (both[!first]);
      assert_value (f, "ipv4/conf/eth0/forwarding", "0");
    }
}

/* A process that is killed: its file stays, without its lock. */
static void
leave (Fixture *f, const char *name, const char *key)
{
  g_autofree char *file = g_strconcat (f->run, "/", name, ".sysctl", NULL);
  g_autofree char *line = g_strconcat (key, " 0 1\n", NULL);

  put (f, key, "1\n");
  g_mkdir_with_parents (f->run, 0755);
  g_assert_true (g_file_set_contents (file, line, -1, NULL));
}

static void
test_sweep (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeSysctl) alive = NULL;

  g_assert_cmpuint (scope_sysctl_sweep (f->proc, f->run), ==, 0);
  leave (f, "home", "ipv4/conf/eth0/forwarding");
  alive = make (f, "other");
  assert_need (alive, "ipv4/conf/home/forwarding", "1");
  g_assert_cmpuint (scope_sysctl_sweep (f->proc, f->run), ==, 1);
  assert_value (f, "ipv4/conf/eth0/forwarding", "0");
  assert_value (f, "ipv4/conf/home/forwarding", "1");
  g_assert_cmpuint (scope_sysctl_sweep (f->proc, f->run), ==, 0);

  /* The next one of the same name sweeps, too. */
  leave (f, "home", "ipv4/conf/eth0/forwarding");
  g_clear_pointer (&alive, scope_sysctl_free);
  alive = make (f, "home");
  assert_value (f, "ipv4/conf/eth0/forwarding", "0");

  /* Files with anything in them. */
  leave (f, "odd", "../outside");
  leave (f, "even", "ipv4/../../x");
  g_assert_cmpuint (scope_sysctl_sweep (f->proc, f->run), ==, 2);
  assert_value (f, "../outside", "1");
  assert_value (f, "../x", "1");
}

static void
test_one_each (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeSysctl) one = make (f, "home");
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (one);
  g_assert_null (scope_sysctl_new (f->proc, f->run, "home", &error));
  g_assert_nonnull (strstr (error->message, "home.sysctl"));
}

static void
test_wrong (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeSysctl) sysctl = make (f, "home");
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (f->proc, "ipv4/conf/eth0.7/forwarding", NULL);

  g_assert_false (scope_sysctl_exists (sysctl, "ipv4/conf/gone/forwarding"));
  g_assert_false (scope_sysctl_need (sysctl, "ipv4/conf/gone/forwarding", "1", &error));
  g_assert_nonnull (strstr (error->message, "net.ipv4.conf.gone.forwarding"));
  g_clear_error (&error);

  /* Read-only for root, too. */
  put (f, "ipv4/conf/eth0.7/other", "");
  g_assert_cmpint (symlink ("/proc/version", path), ==, 0);
  g_assert_false (scope_sysctl_need (sysctl, "ipv4/conf/eth0.7/forwarding", "1", &error));
  g_assert_nonnull (strstr (error->message, "sysctl -w net.ipv4.conf.eth0/7.forwarding=1"));
}

/* --- routes --------------------------------------------------------------------------------- */

static GArray *
routes (const char *text)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (ScopeRoute));
  g_auto (GStrv) lines = g_strsplit (text, ",", -1);

  for (char **line = lines; *line; line++)
    {
      g_auto (GStrv) words = g_strsplit (g_strstrip (*line), " ", -1);
      ScopeRoute route = { 0 };

      g_assert_true (scope_prefix_parse (&route.to, words[0]));
      route.ifindex = atoi (words[1]);
      route.metric = atoi (words[2]);
      g_array_append_val (list, route);
    }
  return list;
}

static void
assert_interfaces (const GArray *table, const char *range, guint32 except, const char *expected)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autoptr (GString) text = g_string_new (NULL);
  ScopePrefix prefix;

  g_assert_true (scope_prefix_parse (&prefix, range));
  scope_routes_interfaces (table, &prefix, except, found);
  for (guint i = 0; i < found->len; i++)
    g_string_append_printf (text, "%s%u", i ? " " : "", g_array_index (found, guint32, i));
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_behind (void)
{
  g_autoptr (GArray) table = routes ("0.0.0.0/0 2 100, 0.0.0.0/0 3 50, 192.168.1.0/24 4 100, 192.168.2.0/24 5 100, "
                                     "192.168.2.0/25 5 100, 10.0.0.0/8 6 0, 10.77.0.2/32 9 50, ::/0 2 100, fd99::/64 4 256");

  assert_interfaces (table, "192.168.1.0/24", 9, "4");
  assert_interfaces (table, "192.168.1.128/25", 9, "4");
  assert_interfaces (table, "192.168.0.0/16", 9, "4 5");
  assert_interfaces (table, "10.1.0.0/16", 9, "6");
  assert_interfaces (table, "10.77.0.0/24", 9, "6"); /* the tunnel's own does not count */
  assert_interfaces (table, "172.16.0.0/12", 9, "3");
  assert_interfaces (table, "0.0.0.0/0", 9, "3");
  assert_interfaces (table, "::/0", 9, "2");
  assert_interfaces (table, "fd99::/48", 9, "4");
  g_array_set_size (table, 0);
  assert_interfaces (table, "::/0", 9, "");
}

static void
test_kernel (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) table = scope_routes_read (&error);

  g_assert_no_error (error);
  for (guint i = 0; i < table->len; i++)
    g_assert_cmpuint (g_array_index (table, ScopeRoute, i).ifindex, !=, 0);
}

/* --- firewall ------------------------------------------------------------------------------- */

#define TABLE(family, chain, rules) "{\"nftables\":[{\"metainfo\":{\"version\":\"1.0.6\"}},{\"table\":{\"family\":\"" family \
  "\",\"name\":\"t\",\"handle\":1}}," chain rules "]}"
#define CHAIN(family, hook, policy) "{\"chain\":{\"family\":\"" family "\",\"table\":\"t\",\"name\":\"c\",\"handle\":1,\"type\":" \
  "\"filter\",\"hook\":\"" hook "\",\"prio\":0,\"policy\":\"" policy "\"}}"
#define RULE(expr) ",{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"c\",\"handle\":2,\"expr\":[" expr "]}}"
#define IIF(right) "{\"match\":{\"op\":\"==\",\"left\":{\"meta\":{\"key\":\"iifname\"}},\"right\":" right "}}"

static void
assert_drops (const char *ruleset, const char *line)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) lines = scope_firewall_read (ruleset, strlen (ruleset), "home", &error);

  g_assert_no_error (error);
  if (!line)
    {
      g_assert_cmpuint (g_strv_length (lines), ==, 0);
      return;
    }
  g_assert_cmpuint (g_strv_length (lines), ==, 1);
  g_assert_nonnull (strstr (lines[0], line));
}

static void
test_firewall (void)
{
  g_autoptr (GError) error = NULL;

  assert_drops (TABLE ("inet", CHAIN ("inet", "forward", "drop"), ""), "nft insert rule inet t c iifname home accept");
  assert_drops (TABLE ("ip", CHAIN ("ip", "forward", "drop"), ""), "chain c of table ip t drops what is forwarded (its policy)");
  assert_drops (TABLE ("inet", CHAIN ("inet", "forward", "accept"), ""), NULL);
  assert_drops (TABLE ("inet", CHAIN ("inet", "input", "drop"), ""), NULL);
  assert_drops (TABLE ("bridge", CHAIN ("bridge", "forward", "drop"), ""), NULL);
  assert_drops (TABLE ("inet", CHAIN ("inet", "forward", "drop"), RULE (IIF ("\"home\"") ",{\"accept\":null}")), NULL);
  assert_drops (TABLE ("inet", CHAIN ("inet", "forward", "drop"), RULE (IIF ("\"ho*\"") ",{\"accept\":null}")), NULL);
  assert_drops (TABLE ("inet", CHAIN ("inet", "forward", "drop"), RULE (IIF ("{\"set\":[\"lan\",\"home\"]}") ",{\"accept\":null}")),
                NULL);
  assert_drops (TABLE ("inet", CHAIN ("inet", "forward", "drop"), RULE (IIF ("\"lan\"") ",{\"accept\":null}")), "its policy");
  assert_drops (TABLE ("inet", CHAIN ("inet", "forward", "drop"), RULE (IIF ("\"home\"") ",{\"drop\":null}")), "its policy");
  assert_drops (TABLE ("inet", CHAIN ("inet", "forward", "accept"), RULE ("{\"counter\":{}},{\"reject\":{}}")), "its last rule");
  assert_drops (TABLE ("inet", CHAIN ("inet", "forward", "accept"), RULE (IIF ("\"lan\"") ",{\"reject\":{}}")), NULL);
  assert_drops ("{\"nftables\":[1,{\"chain\":2},{\"chain\":{}},{\"rule\":[]}]}", NULL);
  assert_drops ("{}", NULL);
  g_assert_null (scope_firewall_read ("[", 1, "home", &error));
  g_assert_nonnull (error);
}

static void
zone_is (const char *settings, gboolean opens, gboolean forwards, gboolean anywhere)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) zone = g_variant_parse (G_VARIANT_TYPE_VARDICT, settings, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (scope_firewalld_opens (zone, 51820), ==, opens);
  g_assert_cmpint (scope_firewalld_forwards (zone, FALSE), ==, forwards);
  g_assert_cmpint (scope_firewalld_forwards (zone, TRUE), ==, anywhere);
}

static void
test_zones (void)
{
  g_autoptr (GVariant) wireguard = g_variant_ref_sink (g_variant_new_parsed ("{'services': <['wireguard']>}"));

  zone_is ("@a{sv} {}", FALSE, FALSE, FALSE);
  zone_is ("{'forward': <true>, 'services': <['ssh', 'dhcpv6-client']>, 'target': <'default'>}", FALSE, TRUE, FALSE);
  zone_is ("{'target': <'ACCEPT'>}", TRUE, TRUE, TRUE);
  zone_is ("{'ports': <[('51820', 'udp')]>}", TRUE, FALSE, FALSE);
  zone_is ("{'ports': <[('51820', 'tcp'), ('5182', 'udp'), ('x', 'udp'), ('51820-', 'tcp')]>}", FALSE, FALSE, FALSE);
  zone_is ("{'ports': <[('80', 'tcp'), ('50000-51820', 'udp')]>}", TRUE, FALSE, FALSE);
  zone_is ("{'ports': <[('51821-60000', 'udp'), ('1-51819', 'udp')]>}", FALSE, FALSE, FALSE);
  zone_is ("{'services': <['ssh', 'wireguard']>}", TRUE, FALSE, FALSE);
  g_assert_false (scope_firewalld_opens (wireguard, 51821));
  /* Not what we asked for */
  zone_is ("{'ports': <['51820']>, 'services': <1>, 'target': <true>, 'forward': <'yes'>}", FALSE, FALSE, FALSE);
}

/* What it says to nft; that nft understands it, and what it lets through, tests/system/test-relay sees. */
static void
test_fence (void)
{
  g_autoptr (GArray) ranges = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  static const char *const texts[] = { "10.77.0.1", "192.168.7.0/24", "::/0" };
  g_autofree char *rules = NULL;
  ScopePrefix prefix;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_assert_true (scope_prefix_parse (&prefix, texts[i]));
      g_array_append_val (ranges, prefix);
    }
  rules = scope_fence_rules ("t", "home", ranges);
  g_assert_cmpstr (rules, ==,
                   "add table inet t { flags owner; }\n"
                   "add chain inet t forward { type filter hook forward priority filter; policy accept; }\n"
                   "add rule inet t forward iifname \"home\" oifname != \"home\" ip daddr 10.77.0.1/32 accept\n"
                   "add rule inet t forward iifname \"home\" oifname != \"home\" ip daddr 192.168.7.0/24 accept\n"
                   "add rule inet t forward iifname \"home\" oifname != \"home\" ip6 daddr ::/0 accept\n"
                   "add rule inet t forward iifname \"home\" oifname != \"home\" drop\n");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/forward/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("back", test_back);
  ADD ("others-change", test_others_change);
  ADD ("two", test_two);
  ADD ("sweep", test_sweep);
  ADD ("one-each", test_one_each);
  ADD ("wrong", test_wrong);
  g_test_add_func ("/forward/behind", test_behind);
  g_test_add_func ("/forward/kernel", test_kernel);
  g_test_add_func ("/forward/firewall", test_firewall);
  g_test_add_func ("/forward/zones", test_zones);
  g_test_add_func ("/forward/fence", test_fence);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-nat: what src/net/scope-nat makes of what servers saw.
 */
#include "net/scope-nat.h"

static ScopeSockaddr
address (const char *text)
{
  ScopeSockaddr sa = { 0 };

  g_assert_true (!text || scope_sockaddr_parse (&sa, text));
  return sa;
}

#define LOCAL "192.168.1.5:51820"
#define SERVER_A "198.51.100.1:3478"
#define SERVER_B "203.0.113.1:51820"

typedef struct {
  const char *server, *local, *mapped;
} Sample;

static const struct {
  const char *name;
  int family;
  Sample samples[4];
  ScopeNatKind kind;
  gboolean preserved;
  guint servers, mappings;
  const char *mapped;
} cases[] = {
  { "nobody asked", AF_INET, { { 0 } }, SCOPE_NAT_UNKNOWN, FALSE, 0, 0, NULL },
  { "open", AF_INET, { { SERVER_A, LOCAL, "192.0.2.1:51820" }, { SERVER_B, LOCAL, "192.0.2.1:51820" } },
    SCOPE_NAT_OPEN, TRUE, 2, 1, "192.0.2.1:51820" },
  { "open, another port", AF_INET, { { SERVER_A, LOCAL, "192.0.2.1:40000" }, { SERVER_B, LOCAL, "192.0.2.1:40000" } },
    SCOPE_NAT_OPEN, FALSE, 2, 1, "192.0.2.1:40000" },
  { "closed", AF_INET, { { SERVER_A, LOCAL, "192.0.2.1:40000" }, { SERVER_B, LOCAL, "192.0.2.1:40001" } },
    SCOPE_NAT_CLOSED, FALSE, 2, 2, "192.0.2.1:40000" },
  { "closed, the first with our port", AF_INET,
    { { SERVER_A, LOCAL, "192.0.2.1:51820" }, { SERVER_B, LOCAL, "192.0.2.1:40001" } },
    SCOPE_NAT_CLOSED, FALSE, 2, 2, "192.0.2.1:51820" },
  { "another address of the provider's", AF_INET,
    { { SERVER_A, LOCAL, "192.0.2.1:51820" }, { SERVER_B, LOCAL, "192.0.2.2:51820" } },
    SCOPE_NAT_CLOSED, TRUE, 2, 2, "192.0.2.1:51820" },
  { "one server only", AF_INET, { { SERVER_A, LOCAL, "192.0.2.1:51820" }, { SERVER_B, LOCAL, NULL } },
    SCOPE_NAT_UNKNOWN, TRUE, 1, 1, "192.0.2.1:51820" },
  { "two ports of one host", AF_INET,
    { { SERVER_A, LOCAL, "192.0.2.1:51820" }, { "198.51.100.1:3479", LOCAL, "192.0.2.1:51820" } },
    SCOPE_NAT_UNKNOWN, TRUE, 1, 1, "192.0.2.1:51820" },
  { "two ports of one host that differ", AF_INET,
    { { SERVER_A, LOCAL, "192.0.2.1:1" }, { "198.51.100.1:3479", LOCAL, "192.0.2.1:2" } },
    SCOPE_NAT_CLOSED, FALSE, 1, 2, "192.0.2.1:1" },
  { "none", AF_INET, { { SERVER_A, "192.0.2.9:51820", "192.0.2.9:51820" } },
    SCOPE_NAT_NONE, TRUE, 1, 1, "192.0.2.9:51820" },
  { "none, with two addresses", AF_INET,
    { { SERVER_A, "192.0.2.9:51820", "192.0.2.9:51820" }, { SERVER_B, "192.0.2.8:51820", "192.0.2.8:51820" } },
    SCOPE_NAT_NONE, TRUE, 2, 2, "192.0.2.9:51820" },
  { "a server in the LAN", AF_INET,
    { { "192.168.1.1:3478", LOCAL, LOCAL }, { SERVER_A, LOCAL, "192.0.2.1:51820" }, { SERVER_B, LOCAL, "192.0.2.1:51820" } },
    SCOPE_NAT_OPEN, TRUE, 2, 1, "192.0.2.1:51820" },
  { "a server in the LAN and one outside", AF_INET,
    { { "192.168.1.1:3478", LOCAL, LOCAL }, { SERVER_A, LOCAL, "192.0.2.1:51820" } },
    SCOPE_NAT_UNKNOWN, TRUE, 1, 1, "192.0.2.1:51820" },
  { "deny", AF_INET, { { SERVER_A, LOCAL, NULL }, { SERVER_B, LOCAL, NULL } }, SCOPE_NAT_DENY, FALSE, 0, 0, NULL },
  { "no way", AF_INET, { { SERVER_A, NULL, NULL }, { SERVER_B, NULL, NULL } }, SCOPE_NAT_UNKNOWN, FALSE, 0, 0, NULL },
  { "IPv4 alone, of IPv6", AF_INET6,
    { { SERVER_A, LOCAL, "192.0.2.1:51820" }, { "[2001:db8::1]:3478", NULL, NULL } }, SCOPE_NAT_UNKNOWN, FALSE, 0, 0, NULL },
  { "both, of IPv6", AF_INET6,
    { { SERVER_A, LOCAL, "192.0.2.1:1" }, { SERVER_B, LOCAL, "192.0.2.1:2" },
      { "[2001:db8::1]:3478", "[2001:db8:1::5]:51820", "[2001:db8:1::5]:51820" } },
    SCOPE_NAT_NONE, TRUE, 1, 1, "[2001:db8:1::5]:51820" },
  { "both, of IPv4", AF_INET,
    { { "[2001:db8::1]:3478", "[2001:db8:1::5]:51820", "[2001:db8:1::5]:51820" },
      { SERVER_A, LOCAL, NULL }, { SERVER_B, LOCAL, NULL } }, SCOPE_NAT_DENY, FALSE, 0, 0, NULL },
  { "a NAT of IPv6", AF_INET6,
    { { "[2001:db8::1]:3478", "[fd00::5]:51820", "[2001:db8:1::5]:51820" },
      { "[2001:db8::2]:3478", "[fd00::5]:51820", "[2001:db8:1::5]:51820" } },
    SCOPE_NAT_OPEN, TRUE, 2, 1, "[2001:db8:1::5]:51820" },
};

static void
test_classify (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ScopeNatSample samples[4];
      guint n = 0;

      for (; n < 4 && cases[i].samples[n].server; n++)
        {
          samples[n].server = address (cases[i].samples[n].server);
          samples[n].local = address (cases[i].samples[n].local);
          samples[n].mapped = address (cases[i].samples[n].mapped);
        }
      ScopeNat nat = scope_nat_classify (cases[i].family, samples, n);
      g_autofree char *mapped = scope_sockaddr_format (&nat.mapped);
      g_test_message ("%s", cases[i].name);
      g_assert_cmpint (nat.kind, ==, cases[i].kind);
      g_assert_cmpint (nat.port_preserved, ==, cases[i].preserved);
      g_assert_cmpuint (nat.servers, ==, cases[i].servers);
      g_assert_cmpuint (nat.mappings, ==, cases[i].mappings);
      g_assert_cmpstr (mapped, ==, cases[i].mapped);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nat/classify", test_classify);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl netcheck: what stands between this machine and others: address families, NAT, UDP, the registry. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-error.h"
#include "common/scope-json.h"
#include "ctl/ctl-local.h"
#include "ctl/ctl-netcheck.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-registry-check.h"
#include "ctl/ctl-router.h"
#include "ctl/ctl-service.h"
#include "ctl/ctl-stun.h"
#include "net/scope-stun.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define VERB "netcheck"
#define SERVERS_MAX 16

/* A registry to look at; @network: (nullable): its name there */
typedef struct {
  char *url;
  char *network;
} Place;

static void
place_free (Place *place)
{
  g_free (place->url);
  g_free (place->network);
  g_free (place);
}

/**
 * Questions:
 * @servers: (element-type utf8): STUN servers, host and port
 * @places: (element-type Place)
 */
typedef struct {
  GPtrArray *servers;
  GPtrArray *places;
} Questions;

static void
add_server (Questions *questions, const char *server)
{
  if (questions->servers->len < SERVERS_MAX &&
      !g_ptr_array_find_with_equal_func (questions->servers, server, g_str_equal, NULL))
    g_ptr_array_add (questions->servers, g_strdup (server));
}

static void
add_place (Questions *questions, const char *url, const char *network)
{
  Place *place = g_new (Place, 1);

  *place = (Place){ g_strdup (url), g_strdup (network) };
  g_ptr_array_add (questions->places, place);
}

/* --- whom to ask --- */

static gboolean
is_loopback (const char *endpoint)
{
  g_autofree char *host = NULL;
  g_autoptr (GInetAddress) address = NULL;

  if (!scope_endpoint_parse (endpoint, &host, NULL, NULL))
    return TRUE;
  address = g_inet_address_new_from_string (host);
  return address && g_inet_address_get_is_loopback (address);
}

static void
add_strings (JsonObject *status, const char *member, GPtrArray *out)
{
  JsonArray *array = scope_json_get_array (status, member);

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    g_ptr_array_add (out, (gpointer) json_array_get_string_element (array, i));
}

/* What the service asks: the registry's servers; and its relays, which answer where their WireGuard listens. */
static void
learn (Questions *questions, JsonObject *status)
{
  g_autoptr (GPtrArray) servers = g_ptr_array_new (), registries = g_ptr_array_new (), peers = ctl_local_peers (status);

  add_strings (status, "stun", servers);
  add_strings (status, "registries", registries);
  for (guint i = 0; i < servers->len; i++)
    if (servers->pdata[i])
      add_server (questions, servers->pdata[i]);
  for (guint i = 0; i < registries->len; i++)
    if (registries->pdata[i])
      add_place (questions, registries->pdata[i], scope_json_get_string (status, "registryNetwork"));
  for (guint i = 0; i < peers->len; i++)
    {
      JsonObject *peer = peers->pdata[i];
      const char *endpoint = ctl_local_text (peer, "endpoint"), *role = ctl_local_text (peer, "role");

      if (*role && !g_str_equal (role, "edge") && !ctl_local_boolean (peer, "carried") && !is_loopback (endpoint))
        add_server (questions, endpoint);
    }
}

/* A registry answers STUN at the usual port of its host, unless it is told otherwise. */
static void
guess_server (Questions *questions, const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  const char *host = uri ? g_uri_get_host (uri) : NULL;
  g_autofree char *server = NULL;

  if (!host)
    return;
  server = g_strdup_printf (strchr (host, ':') ? "[%s]:%d" : "%s:%d", host, SCOPE_STUN_PORT);
  add_server (questions, server);
}

static gboolean
add_given (Questions *questions, char **servers, GError **error)
{
  for (char **server = servers; server && *server; server++)
    {
      g_autoptr (GError) why = NULL;

      if (!scope_endpoint_parse (*server, NULL, NULL, &why))
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "--stun: %s", why->message);
          return FALSE;
        }
      add_server (questions, *server);
    }
  return TRUE;
}

/* All addresses of all servers. */
static GArray *
resolve (const GPtrArray *servers)
{
  GArray *resolved = g_array_new (FALSE, TRUE, sizeof (ScopeSockaddr));
  g_autoptr (GResolver) resolver = g_resolver_get_default ();

  for (guint i = 0; i < servers->len; i++)
    {
      g_autofree char *host = NULL;
      g_autoptr (GError) error = NULL;
      GList *addresses;
      guint16 port;

      if (!scope_endpoint_parse (servers->pdata[i], &host, &port, NULL))
        continue;
      addresses = g_resolver_lookup_by_name (resolver, host, NULL, &error);
      if (error)
        g_printerr (_ ("STUN server %s: %s\n"), host, error->message);
      for (GList *a = addresses; a; a = a->next)
        {
          ScopeSockaddr sa;
          if (scope_sockaddr_from_inet (&sa, a->data, port))
            g_array_append_val (resolved, sa);
        }
      g_resolver_free_addresses (addresses);
    }
  return resolved;
}

/* --- asking --- */

/* To nobody: a network that there never is stands for the default route (RFC 5737, RFC 3849). */
static const char *
anywhere (int family)
{
  return family == AF_INET ? "192.0.2.1:9" : "[2001:db8::1]:9";
}

static void
check_family (CtlFamily *found, int family, const GArray *servers)
{
  g_autoptr (CtlStun) stun = ctl_stun_new (family, NULL);
  g_autoptr (GArray) samples = NULL;
  ScopeSockaddr to = { 0 };

  found->usec = -1;
  if (!stun)
    return;
  for (guint i = 0; i < servers->len && to.any.sa_family == AF_UNSPEC; i++)
    if (g_array_index (servers, ScopeSockaddr, i).any.sa_family == family)
      to = g_array_index (servers, ScopeSockaddr, i);
  if (to.any.sa_family == AF_UNSPEC)
    scope_sockaddr_parse (&to, anywhere (family));
  if (!ctl_stun_way (&to, &found->local, &found->mtu))
    found->local = (ScopeSockaddr){ 0 };
  samples = ctl_stun_ask (stun, servers, &found->usec);
  for (guint i = 0; i < samples->len; i++)
    found->asked += g_array_index (samples, ScopeNatSample, i).local.any.sa_family != AF_UNSPEC;
  found->nat = scope_nat_classify (family, (const ScopeNatSample *) samples->data, samples->len);
  if (found->nat.mapped.any.sa_family != AF_UNSPEC && found->nat.kind != SCOPE_NAT_NONE)
    found->hairpin = ctl_stun_hairpin (stun, &found->nat.mapped) ? CTL_YES : CTL_NO;
}

static void
check_all (const Questions *questions, const char *ca, gboolean json)
{
  g_autoptr (GArray) servers = resolve (questions->servers);
  g_autoptr (GPtrArray) registries = g_ptr_array_new_with_free_func ((GDestroyNotify) ctl_registry_check_free);
  CtlNetcheck check = { .registries = registries };
  g_autofree char *text = NULL;

  check_family (&check.ip4, AF_INET, servers);
  check_family (&check.ip6, AF_INET6, servers);
  check.nat_pmp = ctl_router_nat_pmp ();
  check.upnp = ctl_router_upnp ();
  for (guint i = 0; i < questions->places->len; i++)
    {
      const Place *place = questions->places->pdata[i];
      g_ptr_array_add (registries, ctl_registry_check_run (place->url, place->network, ca));
    }
  text = json ? ctl_netcheck_to_json (&check) : ctl_netcheck_format (&check);
  g_print (json ? "%s\n" : "%s", text);
}

/* --- the verb --- */

/* With a registry given, what is up on this machine does not matter; with servers given, it need not be there. */
static gboolean
collect (Questions *questions, const char *network, const char *registry, char **servers, GError **error)
{
  g_autoptr (GPtrArray) services = NULL;
  g_autoptr (GError) why = NULL;

  if (!add_given (questions, servers, error))
    return FALSE;
  if (registry)
    {
      g_auto (GStrv) words = g_strsplit_set (registry, ", \t\n;", -1);

      for (char **url = words; *url; url++)
        if (**url)
          {
            while (g_str_has_suffix (*url, "/"))
              (*url)[strlen (*url) - 1] = '\0';
            add_place (questions, *url, network);
            guess_server (questions, *url);
          }
      return TRUE;
    }
  services = ctl_services_find (network, &why);
  for (guint i = 0; services && i < services->len; i++)
    learn (questions, ((CtlService *) services->pdata[i])->status);
  if (services || (servers && !network))
    return TRUE;
  if (scope_err_gone (why))
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_GONE, _ ("%s: name whom to ask, with --registry or --stun"), why->message);
  else
    g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

int
scopectl_netcheck (int argc, char **argv)
{
  gboolean json = FALSE;
  g_autofree char *registry = NULL, *ca = NULL;
  g_auto (GStrv) servers = NULL;
  const GOptionEntry entries[] = {
    { "registry", 0, 0, G_OPTION_ARG_STRING, &registry, N_ ("Ask this registry, and STUN at its host's port 3478"), N_ ("URL") },
    { "stun", 0, 0, G_OPTION_ARG_STRING_ARRAY, &servers, N_ ("Ask this STUN server, too; may be given several times"), N_ ("HOST:PORT") },
    { "ca", 0, 0, G_OPTION_ARG_FILENAME, &ca, N_ ("Trust the certificates in this file (PEM) for the registry"), N_ ("FILE") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print JSON"), NULL },
    { NULL },
  };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) asked = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) places = g_ptr_array_new_with_free_func ((GDestroyNotify) place_free);
  Questions questions = { asked, places };

  if (!ctl_options_parse (VERB, N_ ("[NETWORK]"),
                          N_ ("Finds out what stands between this machine and others: IPv4 and IPv6, the kind of NAT, whether UDP gets\n"
                              "through, whether a router maps ports, how far the registry is and whether it carries packets. It asks\n"
                              "the STUN servers, relays and registries of the networks that are up, or those that are given."),
                          entries, argc, argv, 0, 1, &rest))
    return CTL_USAGE;
  if ((rest[0] && !ctl_check_network (rest[0], &error)) || (registry && !ctl_check_registry (registry, &error)))
    return ctl_usage (VERB, error->message);
  if (!collect (&questions, rest[0], registry, servers, &error))
    return scope_err_invalid (error) ? ctl_usage (VERB, error->message) : ctl_failure (VERB, error);
  check_all (&questions, ca, json);
  return CTL_OK;
}

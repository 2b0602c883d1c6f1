/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "common/scope-settings.h"

#include "common/scope-base64.h"
#include "common/scope-endpoint.h"
#include "common/scope-error.h"
#include "common/scope-setting-limits.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#define TOKEN_LEN 32
#define IDENTITY_SECRET_LEN 89 /* bytes: crypto/scope-identity.h */
#define BASE32_CHARS "abcdefghijklmnopqrstuvwxyz234567"
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+=@"

const ScopeSettingInfo scope_setting_infos[] = {
  { SCOPE_SETTING_REGISTRY, SCOPE_TYPE_URLS, TRUE, FALSE, N_ ("Registry"),
    N_ ("Web address of the registry, where the peers find each other; several are tried in order") },
  { SCOPE_SETTING_NETWORK, SCOPE_TYPE_NETWORK, TRUE, FALSE, N_ ("Network"),
    N_ ("Name of the network, as its registry calls it") },
  { SCOPE_SETTING_NETREG, SCOPE_TYPE_NETWORK, FALSE, FALSE, N_ ("Network name at the registry"),
    N_ ("The network's name at the registry where it differs from the name here; default: the same") },
  { SCOPE_SETTING_ROOT, SCOPE_TYPE_ROOT, FALSE, FALSE, N_ ("Root key"),
    N_ ("Fingerprint of the root key: only peers that it has let in are talked to; default: asked for at the first start") },
  { SCOPE_SETTING_PQ, SCOPE_TYPE_PQ, FALSE, FALSE, N_ ("Post-quantum keys"),
    N_ ("Whether each tunnel needs a key that a quantum computer does not break; default: required with a root key") },
  { SCOPE_SETTING_MODE, SCOPE_TYPE_MODE, FALSE, FALSE, N_ ("Mode"),
    N_ ("A network of its own, or only keys for an existing WireGuard connection; default: full") },
  { SCOPE_SETTING_WIREGUARD, SCOPE_TYPE_WIREGUARD, FALSE, FALSE, N_ ("WireGuard connection"),
    N_ ("UUID or interface of the existing WireGuard connection that gets keys; only with mode keys-only") },
  { SCOPE_SETTING_ENDPOINT, SCOPE_TYPE_ENDPOINTS, FALSE, FALSE, N_ ("Public endpoints"),
    N_ ("Public addresses with port under which others reach this machine; default: found out by itself") },
  { SCOPE_SETTING_STUN_SERVERS, SCOPE_TYPE_ENDPOINTS, FALSE, FALSE, N_ ("STUN servers"),
    N_ ("Servers that say how this machine is seen from outside; default: the network's relays and registry") },
  { SCOPE_SETTING_PUBLIC_KEY, SCOPE_TYPE_KEY, FALSE, FALSE, N_ ("Public key"),
    N_ ("WireGuard key under which the registry lists this machine; default: follows from the private key") },
  { SCOPE_SETTING_LISTEN_PORT, SCOPE_TYPE_PORT, FALSE, FALSE, N_ ("Listen port"),
    N_ ("UDP port of the tunnel, 1 to 65535; default: one that stays the same for this connection") },
  { SCOPE_SETTING_ADDRESSES, SCOPE_TYPE_ADDRESSES, FALSE, FALSE, N_ ("Addresses"),
    N_ ("This machine's addresses in the network, with prefix length; default: what the network assigns") },
  { SCOPE_SETTING_INTERFACE, SCOPE_TYPE_IFNAME, FALSE, FALSE, N_ ("Interface name"),
    N_ ("Name of the tunnel's interface, at most 15 characters; default: the network's name") },
  { SCOPE_SETTING_KEEPALIVE, SCOPE_TYPE_SECONDS, FALSE, FALSE, N_ ("Persistent keepalive"),
    N_ ("Seconds between packets that keep a way through NATs open, 0 for none; default: what the registry says") },
  { SCOPE_SETTING_MTU, SCOPE_TYPE_MTU, FALSE, FALSE, N_ ("MTU"),
    N_ ("Bytes of the largest packet in the tunnel, 576 to 65535; default: what the base connection has room for") },
  { SCOPE_SETTING_DNS, SCOPE_TYPE_IPS, FALSE, FALSE, N_ ("DNS servers"),
    N_ ("Addresses of the name servers in the network; default: none") },
  { SCOPE_SETTING_DNS_SEARCH, SCOPE_TYPE_DOMAINS, FALSE, FALSE, N_ ("DNS search domains"),
    N_ ("Domains to look names up in, or with ~ before them to ask only the network's servers for; default: none") },
  { SCOPE_SETTING_ROUTES, SCOPE_TYPE_PREFIXES, FALSE, FALSE, N_ ("Routes"),
    N_ ("Further networks that are reached through the network's root; default: none") },
  { SCOPE_SETTING_EXIT, SCOPE_TYPE_MEMBER, FALSE, FALSE, N_ ("Exit"),
    N_ ("Relay that everything goes through that has no better way, by its name or key; default: none") },
  { SCOPE_SETTING_MASQUERADE, SCOPE_TYPE_YES_NO, FALSE, FALSE, N_ ("Masquerade"),
    N_ ("As a relay, give what leaves the network through this machine its own address; default: no") },
  { SCOPE_SETTING_PORT_MAPPING, SCOPE_TYPE_USE, FALSE, FALSE, N_ ("Port mapping"),
    N_ ("Whether to ask the router for a port that leads here; default: where nothing else helps") },
  { SCOPE_SETTING_TUNNEL, SCOPE_TYPE_TUNNEL, FALSE, FALSE, N_ ("Tunnel"),
    N_ ("WireGuard of the kernel or of wireguard-go; default: the first of them that this machine has") },
  { SCOPE_SETTING_CARRY, SCOPE_TYPE_USE, FALSE, FALSE, N_ ("WireGuard over HTTPS"),
    N_ ("Whether packets go through the registry by HTTPS where no UDP passes; default: only there") },
  { SCOPE_SETTING_CA, SCOPE_TYPE_FILE, FALSE, FALSE, N_ ("CA certificate"),
    N_ ("PEM file with the certificates to trust for the registry; default: the system's") },
  { SCOPE_SETTING_PRIVATE_KEY, SCOPE_TYPE_KEY, FALSE, TRUE, N_ ("Private key"),
    N_ ("This machine's WireGuard key, 44 characters of base64; default: the service makes and keeps one") },
  { SCOPE_SETTING_PRESHARED_KEY, SCOPE_TYPE_KEY, FALSE, TRUE, N_ ("Pre-shared key"),
    N_ ("Pre-shared key for the tunnels to all peers, 44 characters of base64; default: none") },
  { SCOPE_SETTING_TOKEN, SCOPE_TYPE_TOKEN, FALSE, TRUE, N_ ("Join token"),
    N_ ("What an invite lets this machine in with, once; afterwards it has no effect") },
  { SCOPE_SETTING_IDENTITY, SCOPE_TYPE_IDENTITY, FALSE, TRUE, N_ ("Identity"),
    N_ ("Secret key that this machine signs with; default: the service makes and keeps one") },
  { NULL },
};

const ScopeSettingInfo *
scope_setting_find (const char *name)
{
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    if (g_str_equal (info->name, name))
      return info;
  return NULL;
}

const char *
scope_setting_complaint (const ScopeSettingInfo *info, const char *message)
{
  gsize len = strlen (info->name);

  return strncmp (message, info->name, len) == 0 && g_str_has_prefix (message + len, ": ") ? message + len + 2 : NULL;
}

gboolean
scope_setting_is_flags (const char *name)
{
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    {
      gsize len = strlen (info->name);
      if (info->secret && strncmp (name, info->name, len) == 0 && g_str_equal (name + len, "-flags"))
        return TRUE;
    }
  return FALSE;
}

static gboolean
name_valid (const char *name, gsize max)
{
  gsize len = strlen (name);

  return len >= 1 && len <= max && strspn (name, NAME_CHARS) == len && !g_str_equal (name, ".") &&
         !g_str_equal (name, "..");
}

gboolean
scope_ifname_valid (const char *name)
{
  return name_valid (name, SCOPE_IFNAME_MAX) && !g_str_equal (name, "all") && !g_str_equal (name, "default");
}

gboolean
scope_network_name_valid (const char *name)
{
  return name_valid (name, SCOPE_NETWORK_NAME_MAX);
}

/* The words of a list value; empty ones are dropped. */
static char **
split (const char *value)
{
  g_auto (GStrv) words = g_strsplit_set (value, ", \t\n;", -1);
  g_autoptr (GStrvBuilder) kept = g_strv_builder_new ();

  for (char **w = words; *w; w++)
    if (**w)
      g_strv_builder_add (kept, *w);
  return g_strv_builder_end (kept);
}

static gboolean
check_url (const char *url, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, &why);
  const char *scheme = uri ? g_uri_get_scheme (uri) : NULL;
  gboolean graphic = TRUE;

  for (const char *p = url; *p; p++)
    graphic &= g_ascii_isgraph (*p) || (*p & 0x80); /* g_uri_parse() takes control characters in a host */
  if (uri && graphic && (g_str_equal (scheme, "http") || g_str_equal (scheme, "https")) && g_uri_get_host (uri) &&
      *g_uri_get_host (uri) && !g_uri_get_query (uri) && !g_uri_get_fragment (uri) && !g_uri_get_userinfo (uri))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
               _ ("“%.200s” is not a registry address such as https://registry.example/prefix"), url);
  return FALSE;
}

static gboolean
check_number (const char *value, guint min, guint max, GError **error)
{
  if (g_ascii_string_to_unsigned (value, 10, min, max, NULL, NULL))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
               _ ("“%.40s” is not a number from %u to %u"), value, min, max);
  return FALSE;
}

static gboolean
check_words (const char *value, guint max, gboolean (*check) (const char *, GError **), GError **error)
{
  g_auto (GStrv) words = split (value);

  if (!*words || g_strv_length (words) > max)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("expected 1 to %u entries"), max);
      return FALSE;
    }
  for (char **w = words; *w; w++)
    if (!check (*w, error))
      return FALSE;
  return TRUE;
}

static gboolean
check_ip (const char *word, GError **error)
{
  if (g_hostname_is_ip_address (word))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("“%.60s” is not an IP address"), word);
  return FALSE;
}

static gboolean
check_domain (const char *word, GError **error)
{
  gsize len = strlen (word);

  if (len <= 253 && strspn (word, NAME_CHARS "~") == len && !strchr (word, '=') && !strchr (word, '@'))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("“%.60s” is not a domain name"), word);
  return FALSE;
}

static gboolean
check_endpoint (const char *word, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (scope_endpoint_parse (word, NULL, NULL, &why))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
               _ ("“%.100s” is not an endpoint such as 192.0.2.1:51820, [2001:db8::1]:51820 or host.example:51820"), word);
  return FALSE;
}

/* SHA3-256 in Base32: of the last character's five bits, one belongs to the digest. */
static gboolean
fingerprint_valid (const char *value)
{
  return strlen (value) == 52 && strspn (value, BASE32_CHARS) == 52 && strchr ("aq", value[51]);
}

static gboolean
secret_valid (const char *value, gsize len)
{
  guint8 bytes[IDENTITY_SECRET_LEN];
  gboolean valid = scope_base64url_decode_exact (value, bytes, len);

  explicit_bzero (bytes, sizeof bytes);
  return valid;
}

static gboolean
check_prefixes (const char *value, gboolean routes, GError **error)
{
  g_autoptr (GArray) list = scope_prefix_parse_list (value, SCOPE_MAX_PREFIXES, error);

  for (guint i = 0; list && routes && i < list->len; i++)
    if (g_array_index (list, ScopePrefix, i).len == 0)
      {
        g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("a default route through the network is not possible"));
        return FALSE;
      }
  return list != NULL;
}

static gboolean
check_condition (gboolean ok, GError **error, const char *message)
{
  if (!ok)
    g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, message);
  return ok;
}

/* As grants have names (scope-authority-form.c). */
static gboolean
member_valid (const char *value)
{
  gboolean printable = *value && strlen (value) <= SCOPE_SETTING_MEMBER_MAX;

  for (const char *p = value; *p; p = g_utf8_next_char (p))
    printable &= g_unichar_isprint (g_utf8_get_char (p));
  return printable;
}

static gboolean
check_value (ScopeSettingType type, const char *value, GError **error)
{
  const ScopeSettingLimits *limits = scope_setting_limits (type);
  ScopeKey key;
  gboolean ok;

  switch (type)
    {
    case SCOPE_TYPE_URLS:
      return check_words (value, limits->max, check_url, error);
    case SCOPE_TYPE_NETWORK:
      return check_condition (scope_network_name_valid (value), error,
                              _ ("not a network name (1 to 64 letters, digits and _.-+=@)"));
    case SCOPE_TYPE_KEY:
      ok = scope_key_parse (&key, value);
      scope_key_clear (&key);
      return check_condition (ok, error, _ ("not a WireGuard key (44 characters of base64)"));
    case SCOPE_TYPE_PORT:
      return check_number (value, limits->min, limits->max, error);
    case SCOPE_TYPE_ADDRESSES:
      return check_prefixes (value, FALSE, error);
    case SCOPE_TYPE_IFNAME:
      return check_condition (scope_ifname_valid (value), error,
                              _ ("not an interface name (1 to 15 letters, digits and _.-+=@)"));
    case SCOPE_TYPE_SECONDS:
      return check_number (value, limits->min, limits->max, error);
    case SCOPE_TYPE_MTU:
      return check_number (value, limits->min, limits->max, error);
    case SCOPE_TYPE_IPS:
      return check_words (value, limits->max, check_ip, error);
    case SCOPE_TYPE_DOMAINS:
      return check_words (value, limits->max, check_domain, error);
    case SCOPE_TYPE_PREFIXES:
      return check_prefixes (value, TRUE, error);
    case SCOPE_TYPE_MEMBER:
      return check_condition (member_valid (value), error, _ ("neither a member's name nor a WireGuard key"));
    case SCOPE_TYPE_YES_NO:
      return check_condition (scope_setting_word (type, value, NULL), error, _ ("expected yes or no"));
    case SCOPE_TYPE_TUNNEL:
      return check_condition (scope_setting_word (type, value, NULL), error, _ ("expected auto, kernel or userspace"));
    case SCOPE_TYPE_USE:
      return check_condition (scope_setting_word (type, value, NULL), error, _ ("expected auto, off or always"));
    case SCOPE_TYPE_FILE:
      return check_condition (g_path_is_absolute (value), error, _ ("not an absolute path"));
    case SCOPE_TYPE_ROOT:
      return check_condition (fingerprint_valid (value), error,
                              _ ("not a root key's fingerprint (52 lower-case letters and digits 2 to 7, "
                                 "as “scopectl network create” prints it)"));
    case SCOPE_TYPE_PQ:
      return check_condition (scope_setting_word (type, value, NULL), error, _ ("expected required, preferred or off"));
    case SCOPE_TYPE_MODE:
      return check_condition (scope_setting_word (type, value, NULL), error, _ ("expected full or keys-only"));
    case SCOPE_TYPE_WIREGUARD:
      return check_condition (g_uuid_string_is_valid (value) || scope_ifname_valid (value), error,
                              _ ("neither the UUID of a WireGuard connection nor an interface name"));
    case SCOPE_TYPE_ENDPOINTS:
      return check_words (value, limits->max, check_endpoint, error);
    case SCOPE_TYPE_TOKEN:
      return check_condition (secret_valid (value, TOKEN_LEN), error,
                              _ ("not a join token (43 characters of base64url)"));
    case SCOPE_TYPE_IDENTITY:
      return check_condition (secret_valid (value, IDENTITY_SECRET_LEN), error,
                              _ ("not a secret identity (119 characters of base64url)"));
    }
  g_return_val_if_reached (FALSE);
}

gboolean
scope_setting_check (const ScopeSettingInfo *info, const char *value, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (strlen (value) > SCOPE_SETTING_VALUE_MAX)
    g_set_error (&why, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("longer than %d bytes"), SCOPE_SETTING_VALUE_MAX);
  else if (!g_utf8_validate (value, -1, NULL))
    g_set_error (&why, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("not valid UTF-8"));
  else if (check_value (info->type, value, &why))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "%s: %s", info->name, why->message);
  return FALSE;
}

static gboolean
check_table (GHashTable *table, gboolean secret, GError **error)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      const ScopeSettingInfo *info = scope_setting_find (name);

      if (!secret && scope_setting_is_flags (name))
        continue;
      if (!info)
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("%s: no such setting; nm-settings-scope(5) lists them"), (char *) name);
          return FALSE;
        }
      if (info->secret && !secret)
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("%s: a secret, it belongs in vpn.secrets"),
                       (char *) name);
          return FALSE;
        }
      if (!scope_setting_check (info, value, error))
        return FALSE;
    }
  return TRUE;
}

static const char *
lookup (GHashTable *table, const char *name)
{
  return table ? g_hash_table_lookup (table, name) : NULL;
}

/* The checks have run: what is there is valid. */
static guint64
number (GHashTable *table, const char *name, gint64 fallback)
{
  const char *value = lookup (table, name);
  return value ? g_ascii_strtoull (value, NULL, 10) : (guint64) fallback;
}

/* A word is its place in the type's enumeration. */
static guint
word (GHashTable *table, const char *name, guint fallback)
{
  const char *value = lookup (table, name);
  guint index = fallback;

  if (value)
    scope_setting_word (scope_setting_find (name)->type, value, &index);
  return index;
}

static GArray *
prefixes (GHashTable *table, const char *name)
{
  const char *value = lookup (table, name);
  return scope_prefix_parse_list (value ? value : "", SCOPE_MAX_PREFIXES, NULL);
}

static gboolean
key (GHashTable *table, const char *name, ScopeKey *out)
{
  const char *value = lookup (table, name);
  return value && scope_key_parse (out, value);
}

static gboolean
wrong (GError **error, const char *name, const char *why)
{
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "%s: %s", name, why);
  return FALSE;
}

/* What one setting says of another. */
static gboolean
check_together (const ScopeSettings *s, GError **error)
{
  if (!s->root && s->pq != SCOPE_PQ_OFF)
    return wrong (error, SCOPE_SETTING_PQ,
                  _ ("post-quantum keys need a network that is pinned: set root, or pq to off"));
  if (s->mode == SCOPE_MODE_KEYS_ONLY && !s->wireguard)
    return wrong (error, SCOPE_SETTING_WIREGUARD,
                  _ ("missing; mode keys-only needs the UUID or the interface of an existing WireGuard connection"));
  if (s->mode != SCOPE_MODE_KEYS_ONLY && s->wireguard)
    return wrong (error, SCOPE_SETTING_WIREGUARD, _ ("only possible with mode keys-only"));
  if (s->mode == SCOPE_MODE_KEYS_ONLY && s->pq == SCOPE_PQ_OFF)
    return wrong (error, SCOPE_SETTING_PQ,
                  _ ("mode keys-only gives post-quantum keys and nothing else: set root, and pq not to off"));
  return TRUE;
}

ScopeSettings *
scope_settings_parse (GHashTable *data, GHashTable *secrets, GError **error)
{
  g_autoptr (ScopeSettings) s = NULL;
  const char *value;

  if (!check_table (data, FALSE, error) || (secrets && !check_table (secrets, TRUE, error)))
    return NULL;
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    if (info->required && !lookup (data, info->name))
      {
        g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("%s: missing in vpn.data"), info->name);
        return NULL;
      }

  s = g_new0 (ScopeSettings, 1);
  s->registries = split (lookup (data, SCOPE_SETTING_REGISTRY));
  for (char **url = s->registries; *url; url++)
    while (g_str_has_suffix (*url, "/"))
      (*url)[strlen (*url) - 1] = '\0';
  s->network = g_strdup (lookup (data, SCOPE_SETTING_NETWORK));
  value = lookup (data, SCOPE_SETTING_NETREG);
  s->netreg = g_strdup (value ? value : s->network);
  s->root = g_strdup (lookup (data, SCOPE_SETTING_ROOT));
  value = lookup (data, SCOPE_SETTING_PQ);
  if (!value || !scope_pq_parse (&s->pq, value))
    s->pq = s->root ? SCOPE_PQ_REQUIRED : SCOPE_PQ_OFF;
  s->mode = word (data, SCOPE_SETTING_MODE, SCOPE_MODE_FULL);
  s->wireguard = g_strdup (lookup (data, SCOPE_SETTING_WIREGUARD));
  value = lookup (data, SCOPE_SETTING_ENDPOINT);
  s->endpoints = split (value ? value : "");
  value = lookup (data, SCOPE_SETTING_STUN_SERVERS);
  s->stun_servers = split (value ? value : "");
  s->has_public_key = key (data, SCOPE_SETTING_PUBLIC_KEY, &s->public_key);
  s->listen_port = number (data, SCOPE_SETTING_LISTEN_PORT, 0);
  s->addresses = prefixes (data, SCOPE_SETTING_ADDRESSES);
  s->interface = g_strdup (lookup (data, SCOPE_SETTING_INTERFACE));
  s->keepalive = (int) number (data, SCOPE_SETTING_KEEPALIVE, -1);
  s->mtu = number (data, SCOPE_SETTING_MTU, 0);
  value = lookup (data, SCOPE_SETTING_DNS);
  s->dns = split (value ? value : "");
  value = lookup (data, SCOPE_SETTING_DNS_SEARCH);
  s->dns_search = split (value ? value : "");
  s->routes = prefixes (data, SCOPE_SETTING_ROUTES);
  for (guint i = 0; i < s->routes->len; i++)
    scope_prefix_mask (&g_array_index (s->routes, ScopePrefix, i));
  s->exit = g_strdup (lookup (data, SCOPE_SETTING_EXIT));
  s->masquerade = g_strcmp0 (lookup (data, SCOPE_SETTING_MASQUERADE), "yes") == 0;
  s->port_mapping = word (data, SCOPE_SETTING_PORT_MAPPING, SCOPE_USE_AUTO);
  s->tunnel = word (data, SCOPE_SETTING_TUNNEL, SCOPE_TUNNEL_KIND_AUTO);
  s->carry = word (data, SCOPE_SETTING_CARRY, SCOPE_USE_AUTO);
  s->ca = g_strdup (lookup (data, SCOPE_SETTING_CA));
  s->has_private_key = key (secrets, SCOPE_SETTING_PRIVATE_KEY, &s->private_key);
  s->has_preshared_key = key (secrets, SCOPE_SETTING_PRESHARED_KEY, &s->preshared_key);
  s->token = g_strdup (lookup (secrets, SCOPE_SETTING_TOKEN));
  s->identity = g_strdup (lookup (secrets, SCOPE_SETTING_IDENTITY));
  if (!check_together (s, error))
    return NULL;
  return g_steal_pointer (&s);
}

void
scope_settings_free (ScopeSettings *s)
{
  g_strfreev (s->registries);
  g_free (s->network);
  g_free (s->netreg);
  g_free (s->root);
  g_free (s->wireguard);
  g_strfreev (s->endpoints);
  g_strfreev (s->stun_servers);
  g_array_unref (s->addresses);
  g_free (s->interface);
  g_strfreev (s->dns);
  g_strfreev (s->dns_search);
  g_array_unref (s->routes);
  g_free (s->exit);
  g_free (s->ca);
  scope_key_clear (&s->private_key);
  scope_key_clear (&s->preshared_key);
  scope_secret_free (s->token);
  scope_secret_free (s->identity);
  g_free (s);
}

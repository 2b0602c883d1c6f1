/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-portmap-private.h"

#include <arpa/inet.h>
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <miniupnpc/upnperrors.h>
#include <natpmp.h>
#include <poll.h>
#include <string.h>

#define NATPMP_PATIENCE_USEC (1500 * 1000) /* three tries: 250, 500, 1000 ms (RFC 6886 §3.1) */
#define UPNP_PATIENCE_MS 2000
#define UPNP_TTL 2
#define UPNP_TRIES 4                /* ports outside */
#define UPNP_CONFLICT 718           /* ConflictInMappingEntry */
#define UPNP_ONLY_PERMANENT 725     /* OnlyPermanentLeasesSupported */
#define DESCRIPTION "NetworkManager-scope"

ScopePortmapRequest *
scope_portmap_request_copy (const ScopePortmapRequest *request)
{
  ScopePortmapRequest *copy = g_memdup2 (request, sizeof *request);

  copy->url = g_strdup (request->url);
  copy->service = g_strdup (request->service);
  return copy;
}

void
scope_portmap_request_free (ScopePortmapRequest *request)
{
  g_free (request->url);
  g_free (request->service);
  g_free (request);
}

gboolean
scope_portmap_is_public (struct in_addr address)
{
  static const struct {
    guint32 net;
    guint len;
  } others[] = {
    { 0x00000000, 8 },  { 0x0a000000, 8 },  { 0x64400000, 10 }, { 0x7f000000, 8 },  { 0xa9fe0000, 16 },
    { 0xac100000, 12 }, { 0xc0000000, 24 }, { 0xc0a80000, 16 }, { 0xe0000000, 3 },
  };
  guint32 host = ntohl (address.s_addr);

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    if ((host ^ others[i].net) >> (32 - others[i].len) == 0)
      return FALSE;
  return TRUE;
}

/* --- NAT-PMP -------------------------------------------------------------------------------- */

static gboolean
natpmp_wait (natpmp_t *nat, natpmpresp_t *response)
{
  gint64 end = g_get_monotonic_time () + NATPMP_PATIENCE_USEC;
  int result;

  do
    {
      struct timeval wait = { 0 };
      struct pollfd fd = { nat->s, POLLIN, 0 };

      getnatpmprequesttimeout (nat, &wait);
      poll (&fd, 1, MAX (wait.tv_sec * 1000 + wait.tv_usec / 1000, 0) + 1);
      result = readnatpmpresponseorretry (nat, response);
    }
  while (result == NATPMP_TRYAGAIN && g_get_monotonic_time () < end);
  return result == 0;
}

static gboolean
natpmp_ask (ScopePortmapRequest *request)
{
  natpmp_t nat;
  natpmpresp_t address, mapping;
  gboolean ok;

  if (initnatpmp (&nat, 1, request->gateway.s_addr) != 0)
    return FALSE;
  ok = sendpublicaddressrequest (&nat) == 2 && natpmp_wait (&nat, &address) &&
       address.type == NATPMP_RESPTYPE_PUBLICADDRESS &&
       sendnewportmappingrequest (&nat, NATPMP_PROTOCOL_UDP, request->port, request->outer ? request->outer : request->port,
                                  SCOPE_PORTMAP_SECONDS) == 12 &&
       natpmp_wait (&nat, &mapping) && mapping.type == NATPMP_RESPTYPE_UDPPORTMAPPING &&
       mapping.pnu.newportmapping.privateport == request->port && mapping.pnu.newportmapping.lifetime > 0;
  closenatpmp (&nat);
  if (!ok)
    return FALSE;
  request->how = SCOPE_PORTMAP_NATPMP;
  request->external = address.pnu.publicaddress.addr;
  request->outer = mapping.pnu.newportmapping.mappedpublicport;
  request->seconds = mapping.pnu.newportmapping.lifetime;
  return TRUE;
}

/* Nobody waits for the answer. */
static void
natpmp_give_back (const ScopePortmapRequest *request)
{
  natpmp_t nat;

  if (initnatpmp (&nat, 1, request->gateway.s_addr) != 0)
    return;
  sendnewportmappingrequest (&nat, NATPMP_PROTOCOL_UDP, request->port, 0, 0);
  closenatpmp (&nat);
}

/* --- UPnP ----------------------------------------------------------------------------------- */

static gboolean
upnp_add (ScopePortmapRequest *request, const struct UPNPUrls *urls, const struct IGDdatas *data, const char *local)
{
  guint16 first = request->outer ? request->outer : request->port;
  g_autofree char *inner = g_strdup_printf ("%u", request->port);
  guint seconds = SCOPE_PORTMAP_SECONDS;

  for (guint i = 0; i < UPNP_TRIES; i++)
    {
      guint16 port = first + i;
      g_autofree char *outer = g_strdup_printf ("%u", port);
      g_autofree char *lease = g_strdup_printf ("%u", seconds);
      int result = UPNP_AddPortMapping (urls->controlURL, data->first.servicetype, outer, inner, local, DESCRIPTION, "UDP", NULL,
                                        lease);

      if (result == UPNPCOMMAND_SUCCESS)
        {
          request->outer = port;
          request->seconds = seconds;
          return TRUE;
        }
      if (result == UPNP_ONLY_PERMANENT && seconds)
        {
          seconds = 0;
          i--;
        }
      else if (result != UPNP_CONFLICT)
        return FALSE;
    }
  return FALSE;
}

/* What kind of router is among the devices: 1 is one that is connected. */
static int
upnp_router (struct UPNPDev *devices, struct UPNPUrls *urls, struct IGDdatas *data)
{
  char lan[64] = "";
#if MINIUPNPC_API_VERSION >= 18 /* miniupnpc 2.2.8, Debian 13 */
  char wan[64] = "";

  return UPNP_GetValidIGD (devices, urls, data, lan, sizeof lan, wan, sizeof wan);
#else
  return UPNP_GetValidIGD (devices, urls, data, lan, sizeof lan);
#endif
}

static gboolean
upnp_ask (ScopePortmapRequest *request)
{
  char local[INET_ADDRSTRLEN], external[64] = "";
  struct UPNPUrls urls = { 0 };
  struct IGDdatas data = { 0 };
  struct UPNPDev *devices;
  gboolean ok;
  int code = 0;

  inet_ntop (AF_INET, &request->local, local, sizeof local);
  devices = upnpDiscover (UPNP_PATIENCE_MS, local, NULL, UPNP_LOCAL_PORT_ANY, 0, UPNP_TTL, &code);
  if (!devices)
    return FALSE;
  /* Others may be a printer, or a router that has no address outside. */
  ok = upnp_router (devices, &urls, &data) == 1 &&
       UPNP_GetExternalIPAddress (urls.controlURL, data.first.servicetype, external) == UPNPCOMMAND_SUCCESS &&
       inet_pton (AF_INET, external, &request->external) == 1 && upnp_add (request, &urls, &data, local);
  if (ok)
    {
      request->how = SCOPE_PORTMAP_UPNP;
      g_free (request->url);
      g_free (request->service);
      request->url = g_strdup (urls.controlURL);
      request->service = g_strdup (data.first.servicetype);
    }
  FreeUPNPUrls (&urls);
  freeUPNPDevlist (devices);
  return ok;
}

static void
upnp_give_back (const ScopePortmapRequest *request)
{
  g_autofree char *outer = g_strdup_printf ("%u", request->outer);

  UPNP_DeletePortMapping (request->url, request->service, outer, "UDP", NULL);
}

/* --- both ----------------------------------------------------------------------------------- */

gboolean
scope_portmap_ask (ScopePortmapRequest *request)
{
  return natpmp_ask (request) || upnp_ask (request);
}

void
scope_portmap_give_back (const ScopePortmapRequest *request)
{
  if (request->how == SCOPE_PORTMAP_NATPMP)
    natpmp_give_back (request);
  else if (request->how == SCOPE_PORTMAP_UPNP)
    upnp_give_back (request);
}

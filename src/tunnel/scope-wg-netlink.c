/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-wg-netlink.h"

#include "common/scope-error.h"
#include "tunnel/scope-wg-netlink-decode.h"
#include "tunnel/scope-wg-private.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <net/if.h>
#include <string.h>

#define ANSWER_SIZE 32768 /* bytes; the kernel makes the messages of a dump no longer than what we read */
#define READ_TRIES 10     /* times that a dump may be disturbed by somebody who changes the device */

/* --- encoding --- */

typedef struct {
  guint8 *buffer; /* SCOPE_WG_NETLINK_MAX bytes */
  struct nlmsghdr *message;
  struct nlattr *peers;
  guint count; /* of peers in this message */
  guint16 family;
  const char *ifname;
  ScopeWgNetlinkSend send;
  gpointer data;
} Writer;

static struct nlmsghdr *
put_header (guint8 *buffer, guint16 family, guint16 flags, guint8 command, guint8 version)
{
  struct nlmsghdr *message = mnl_nlmsg_put_header (buffer);
  struct genlmsghdr *generic = mnl_nlmsg_put_extra_header (message, sizeof *generic);

  message->nlmsg_type = family;
  message->nlmsg_flags = NLM_F_REQUEST | flags;
  generic->cmd = command;
  generic->version = version;
  return message;
}

static void
writer_begin (Writer *w)
{
  w->message = put_header (w->buffer, w->family, NLM_F_ACK, WG_CMD_SET_DEVICE, WG_GENL_VERSION);
  mnl_attr_put_strz (w->message, WGDEVICE_A_IFNAME, w->ifname);
  w->peers = mnl_attr_nest_start (w->message, WGDEVICE_A_PEERS);
  w->count = 0;
}

static gboolean
writer_flush (Writer *w, GError **error)
{
  gboolean ok = TRUE;

  if (w->count > 0)
    {
      mnl_attr_nest_end (w->message, w->peers);
      ok = w->send (w->message, w->data, error);
      explicit_bzero (w->buffer, w->message->nlmsg_len); /* preshared keys */
      writer_begin (w);
    }
  return ok;
}

static gsize
room (const Writer *w)
{
  return SCOPE_WG_NETLINK_MAX - w->message->nlmsg_len;
}

static gsize
attr_size (gsize payload)
{
  return NLA_HDRLEN + NLA_ALIGN (payload);
}

static gsize
allowed_ip_size (const ScopePrefix *prefix)
{
  return NLA_HDRLEN + attr_size (sizeof (guint16)) + attr_size (prefix->family == AF_INET ? 4 : 16) +
         attr_size (sizeof (guint8));
}

static void
put_allowed_ip (struct nlmsghdr *message, const ScopePrefix *prefix)
{
  struct nlattr *nest = mnl_attr_nest_start (message, 0);

  mnl_attr_put_u16 (message, WGALLOWEDIP_A_FAMILY, prefix->family);
  mnl_attr_put (message, WGALLOWEDIP_A_IPADDR, prefix->family == AF_INET ? 4 : 16, prefix->addr);
  mnl_attr_put_u8 (message, WGALLOWEDIP_A_CIDR_MASK, prefix->len);
  mnl_attr_nest_end (message, nest);
}

static struct nlattr *
put_peer (Writer *w, const ScopeKey *pub, guint32 flags)
{
  struct nlattr *nest = mnl_attr_nest_start (w->message, 0);

  mnl_attr_put (w->message, WGPEER_A_PUBLIC_KEY, SCOPE_KEY_LEN, pub->bytes);
  mnl_attr_put_u32 (w->message, WGPEER_A_FLAGS, flags);
  w->count++;
  return nest;
}

static gboolean
put_change (Writer *w, const ScopeWgChange *change, GError **error)
{
  const ScopeWgPeer *peer = change->peer;
  const gsize peer_size = NLA_HDRLEN + attr_size (SCOPE_KEY_LEN) + attr_size (sizeof (guint32));
  const gsize head_size = peer_size + attr_size (SCOPE_KEY_LEN) + attr_size (sizeof (ScopeSockaddr)) +
                          attr_size (sizeof (guint16)) + NLA_HDRLEN;
  gboolean whole = change->add || change->readd;
  gboolean allowed = whole || change->set_allowed;
  gsize size = change->remove ? peer_size : head_size + (change->readd ? peer_size : 0);

  /* Not split without need: the two halves of a readd belong together, with nothing lost in between. */
  for (guint i = 0; !change->remove && allowed && i < peer->allowed->len; i++)
    size += allowed_ip_size (&g_array_index (peer->allowed, ScopePrefix, i));
  if (size > room (w) && !writer_flush (w, error))
    return FALSE;

  if (change->remove || change->readd)
    mnl_attr_nest_end (w->message, put_peer (w, &peer->pub, WGPEER_F_REMOVE_ME));
  if (change->remove)
    return TRUE;

  struct nlattr *nest = put_peer (w, &peer->pub,
                                  (whole ? 0 : WGPEER_F_UPDATE_ONLY) | (allowed ? WGPEER_F_REPLACE_ALLOWEDIPS : 0));
  if (whole || change->set_preshared)
    mnl_attr_put (w->message, WGPEER_A_PRESHARED_KEY, SCOPE_KEY_LEN, peer->preshared.bytes);
  if ((whole || change->set_endpoint) && peer->endpoint.any.sa_family != AF_UNSPEC)
    mnl_attr_put (w->message, WGPEER_A_ENDPOINT, scope_sockaddr_len (&peer->endpoint), &peer->endpoint);
  if (whole || change->set_keepalive)
    mnl_attr_put_u16 (w->message, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, peer->keepalive);

  struct nlattr *list = NULL;
  for (guint i = 0; allowed && i < peer->allowed->len; i++)
    {
      const ScopePrefix *prefix = &g_array_index (peer->allowed, ScopePrefix, i);

      if (room (w) < allowed_ip_size (prefix) + NLA_HDRLEN)
        {
          if (list)
            mnl_attr_nest_end (w->message, list);
          list = NULL;
          mnl_attr_nest_end (w->message, nest);
          if (!writer_flush (w, error))
            return FALSE;
          /* Goes on without REPLACE_ALLOWEDIPS, which would take away what the last message gave. */
          nest = put_peer (w, &peer->pub, WGPEER_F_UPDATE_ONLY);
        }
      if (!list)
        list = mnl_attr_nest_start (w->message, WGPEER_A_ALLOWEDIPS);
      put_allowed_ip (w->message, prefix);
    }
  if (list)
    mnl_attr_nest_end (w->message, list);
  mnl_attr_nest_end (w->message, nest);
  return TRUE;
}

gboolean
scope_wg_netlink_encode (guint16 family, const char *ifname, const GPtrArray *changes, ScopeWgNetlinkSend send,
                         gpointer data, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (SCOPE_WG_NETLINK_MAX);
  Writer w = { .buffer = buffer, .family = family, .ifname = ifname, .send = send, .data = data };
  gboolean ok = TRUE;

  writer_begin (&w);
  for (int removals = 1; ok && removals >= 0; removals--)
    for (guint i = 0; ok && i < changes->len; i++)
      {
        const ScopeWgChange *change = g_ptr_array_index (changes, i);
        if (!!change->remove == removals)
          ok = put_change (&w, change, error);
      }
  ok = ok && writer_flush (&w, error);
  explicit_bzero (buffer, SCOPE_WG_NETLINK_MAX);
  return ok;
}

/* --- the socket --- */

typedef struct {
  struct mnl_socket *socket;
  guint32 portid;
  guint32 seq;
  guint16 family;
  const char *ifname;
} Netlink;

static void
netlink_clear (Netlink *nl)
{
  if (nl->socket)
    mnl_socket_close (nl->socket);
  nl->socket = NULL;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Netlink, netlink_clear)

/* What the kernel says beyond errno (extended acknowledgement), or NULL. */
static char *
extended_ack (const struct nlmsghdr *message, gsize offset)
{
  if (!(message->nlmsg_flags & NLM_F_ACK_TLVS) || message->nlmsg_len < NLMSG_HDRLEN + offset)
    return NULL;

  ScopeNlSpan rest = { (const guint8 *) message + NLMSG_HDRLEN + offset, message->nlmsg_len - NLMSG_HDRLEN - offset };
  while (rest.len > 0)
    {
      guint16 type;
      ScopeNlSpan payload;

      if (!scope_nl_next (&rest, "extended ack", &type, &payload, NULL))
        return NULL;
      if (type == NLMSGERR_ATTR_MSG)
        return g_strndup ((const char *) payload.data, payload.len);
    }
  return NULL;
}

/* errno that ends this message's answer: 0 for success, -1 when it is not the end. */
static int
verdict (const struct nlmsghdr *message, char **detail)
{
  gint32 code;
  gsize offset;

  *detail = NULL;
  if (message->nlmsg_type != NLMSG_ERROR && message->nlmsg_type != NLMSG_DONE)
    return -1;
  if (message->nlmsg_len < NLMSG_HDRLEN + sizeof code)
    return message->nlmsg_type == NLMSG_DONE ? 0 : EBADMSG;
  memcpy (&code, (const guint8 *) message + NLMSG_HDRLEN, sizeof code);

  offset = sizeof code;
  if (message->nlmsg_type == NLMSG_ERROR)
    {
      /* The request comes back in front of the text; of a capped one only its header. */
      struct nlmsghdr request;

      offset += sizeof request;
      if (!(message->nlmsg_flags & NLM_F_CAPPED) && message->nlmsg_len >= NLMSG_HDRLEN + offset)
        {
          memcpy (&request, (const guint8 *) message + NLMSG_HDRLEN + sizeof code, sizeof request);
          offset += NLMSG_ALIGN (request.nlmsg_len) - MIN (NLMSG_ALIGN (request.nlmsg_len), NLMSG_HDRLEN);
        }
    }
  *detail = extended_ack (message, offset);
  return code < 0 ? -code : 0;
}

typedef gboolean (*AnswerFunc) (const struct nlmsghdr *message, gpointer data, GError **error);

/**
 * transact:
 * @what: for the error
 * @answer: (nullable): takes each message before the one that ends the answer
 * @disturbed: (nullable) (out): the dump is not consistent: ask again
 */
static gboolean
transact (Netlink *nl, struct nlmsghdr *request, const char *what, AnswerFunc answer, gpointer data,
          gboolean *disturbed, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (ANSWER_SIZE);
  gboolean ended = FALSE, ok = TRUE;

  request->nlmsg_seq = ++nl->seq;
  if (mnl_socket_sendto (nl->socket, request, request->nlmsg_len) < 0)
    {
      scope_wg_set_errno (error, nl->ifname, what, errno, NULL);
      return FALSE;
    }

  while (ok && !ended)
    {
      ssize_t n = mnl_socket_recvfrom (nl->socket, buffer, ANSWER_SIZE);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          int code = n < 0 ? errno : EBADMSG;
          scope_wg_set_errno (error, nl->ifname, what, code, NULL);
          ok = FALSE;
          break;
        }

      int left = n;
      for (const struct nlmsghdr *m = (gpointer) buffer; ok && !ended && mnl_nlmsg_ok (m, left);
           m = mnl_nlmsg_next (m, &left))
        {
          g_autofree char *detail = NULL;

          if (m->nlmsg_seq != nl->seq || m->nlmsg_pid != nl->portid)
            continue;
          if (disturbed && m->nlmsg_flags & NLM_F_DUMP_INTR)
            *disturbed = TRUE;
          int code = verdict (m, &detail);
          ended = code >= 0;
          if (code > 0)
            {
              scope_wg_set_errno (error, nl->ifname, what, code, detail);
              ok = FALSE;
            }
          else if (!ended && answer)
            ok = answer (m, data, error);
        }
    }
  explicit_bzero (buffer, ANSWER_SIZE); /* private and preshared keys */
  return ok;
}

static gboolean
take_family (const struct nlmsghdr *message, gpointer data, GError **error)
{
  ScopeNlSpan table[CTRL_ATTR_FAMILY_ID + 1];
  const gsize start = NLMSG_HDRLEN + GENL_HDRLEN;

  if (message->nlmsg_len < start)
    return scope_nl_bad_field (error, "family", message->nlmsg_len);
  ScopeNlSpan payload = { (const guint8 *) message + start, message->nlmsg_len - start };
  return scope_nl_table (payload, "family", table, CTRL_ATTR_FAMILY_ID, error) &&
         scope_nl_take (&table[CTRL_ATTR_FAMILY_ID], "family's number", data, sizeof (guint16), error);
}

static gboolean
netlink_open (Netlink *nl, const char *ifname, GError **error)
{
  _Alignas (struct nlmsghdr) guint8 buffer[256] = { 0 }; /* libmnl 1.0.4 leaves the padding as it is */
  struct nlmsghdr *request;
  g_autoptr (GError) why = NULL;
  int one = 1;

  nl->ifname = ifname;
  nl->socket = mnl_socket_open2 (NETLINK_GENERIC, SOCK_CLOEXEC);
  if (!nl->socket || mnl_socket_bind (nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
    {
      scope_wg_set_errno (error, ifname, "open a netlink socket", errno, NULL);
      return FALSE;
    }
  nl->portid = mnl_socket_get_portid (nl->socket);
  /* Both only make errors better, so an old kernel without them will do. */
  mnl_socket_setsockopt (nl->socket, NETLINK_EXT_ACK, &one, sizeof one);
  mnl_socket_setsockopt (nl->socket, NETLINK_CAP_ACK, &one, sizeof one);

  request = put_header (buffer, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY, 1);
  mnl_attr_put_strz (request, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
  if (!transact (nl, request, "find WireGuard in the kernel", take_family, &nl->family, NULL, &why) || !nl->family)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED,
                   "this kernel has no WireGuard: load its module, or use wireguard-go");
      return FALSE;
    }
  return TRUE;
}

gboolean
scope_wg_kernel_available (void)
{
  g_auto (Netlink) nl = { 0 };

  return netlink_open (&nl, "any", NULL);
}

static gboolean
take_device (const struct nlmsghdr *message, gpointer data, GError **error)
{
  return scope_wg_device_parse_netlink (data, message, message->nlmsg_len, error);
}

ScopeWgDevice *
scope_wg_netlink_read (const char *ifname, GError **error)
{
  g_auto (Netlink) nl = { 0 };
  _Alignas (struct nlmsghdr) guint8 buffer[256] = { 0 };

  if (!netlink_open (&nl, ifname, error))
    return NULL;
  for (int i = 0; i < READ_TRIES; i++)
    {
      g_autoptr (ScopeWgDevice) device = scope_wg_device_new ();
      struct nlmsghdr *request = put_header (buffer, nl.family, NLM_F_DUMP, WG_CMD_GET_DEVICE, WG_GENL_VERSION);
      gboolean disturbed = FALSE;

      mnl_attr_put_strz (request, WGDEVICE_A_IFNAME, ifname);
      if (!transact (&nl, request, "read it", take_device, device, &disturbed, error))
        return NULL;
      if (!disturbed)
        return g_steal_pointer (&device);
    }
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "interface %s: cannot read it: it keeps changing", ifname);
  return NULL;
}

static gboolean
send_change (struct nlmsghdr *message, gpointer data, GError **error)
{
  return transact (data, message, "change its peers", NULL, NULL, NULL, error);
}

gboolean
scope_wg_netlink_apply (const char *ifname, const GPtrArray *changes, GError **error)
{
  g_auto (Netlink) nl = { 0 };

  return netlink_open (&nl, ifname, error) &&
         scope_wg_netlink_encode (nl.family, ifname, changes, send_change, &nl, error);
}

gboolean
scope_wg_netlink_configure (const char *ifname, const ScopeKey *private_key, guint16 listen_port, GError **error)
{
  g_auto (Netlink) nl = { 0 };
  _Alignas (struct nlmsghdr) guint8 buffer[256] = { 0 };

  if (!netlink_open (&nl, ifname, error))
    return FALSE;

  struct nlmsghdr *request = put_header (buffer, nl.family, NLM_F_ACK, WG_CMD_SET_DEVICE, WG_GENL_VERSION);
  mnl_attr_put_strz (request, WGDEVICE_A_IFNAME, ifname);
  mnl_attr_put_u16 (request, WGDEVICE_A_LISTEN_PORT, listen_port);
  mnl_attr_put (request, WGDEVICE_A_PRIVATE_KEY, SCOPE_KEY_LEN, private_key->bytes);
  gboolean ok = transact (&nl, request, "set its key and port", NULL, NULL, NULL, error);
  explicit_bzero (buffer, sizeof buffer);
  return ok;
}

gboolean
scope_wg_netlink_set_fwmark (const char *ifname, guint32 fwmark, GError **error)
{
  g_auto (Netlink) nl = { 0 };
  _Alignas (struct nlmsghdr) guint8 buffer[256] = { 0 };
  struct nlmsghdr *request;

  if (!netlink_open (&nl, ifname, error))
    return FALSE;
  request = put_header (buffer, nl.family, NLM_F_ACK, WG_CMD_SET_DEVICE, WG_GENL_VERSION);
  mnl_attr_put_strz (request, WGDEVICE_A_IFNAME, ifname);
  mnl_attr_put_u32 (request, WGDEVICE_A_FWMARK, fwmark);
  return transact (&nl, request, "set its mark", NULL, NULL, NULL, error);
}

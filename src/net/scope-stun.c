/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-stun.h"

#include <stun/stunagent.h>
#include <string.h>

#define SEAL_LEN 20 /* HMAC-SHA1 */

G_STATIC_ASSERT (sizeof (StunTransactionId) == 4 + SCOPE_STUN_ID_LEN);

/* What a binding request may have that must be understood; PRIORITY and USE-CANDIDATE are ICE's, and no matter here. */
static const guint16 known[] = {
  STUN_ATTRIBUTE_MAPPED_ADDRESS, STUN_ATTRIBUTE_USERNAME, STUN_ATTRIBUTE_MESSAGE_INTEGRITY, STUN_ATTRIBUTE_ERROR_CODE,
  STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, STUN_ATTRIBUTE_PRIORITY,
  STUN_ATTRIBUTE_USE_CANDIDATE, 0,
};

static void
full_id (StunTransactionId out, const guint8 *id)
{
  const guint32 cookie = g_htonl (STUN_MAGIC_COOKIE);

  memcpy (out, &cookie, sizeof cookie);
  memcpy (out + sizeof cookie, id, SCOPE_STUN_ID_LEN);
}

/* libnice keeps what it waits for in the agent; ours live for one call each. */
static void
expect (StunAgent *agent, const StunMessage *message, const char *password)
{
  StunAgentSavedIds *saved = &agent->sent_ids[0];

  memset (saved, 0, sizeof *saved);
  stun_message_id (message, saved->id);
  saved->method = STUN_BINDING;
  saved->key = (uint8_t *) password;
  saved->key_len = password ? strlen (password) : 0;
  saved->valid = true;
}

static bool
no_password (StunAgent *agent, StunMessage *message, uint8_t *user, uint16_t user_len, uint8_t **password,
             size_t *password_len, void *data)
{
  return true;
}

static bool
this_password (StunAgent *agent, StunMessage *message, uint8_t *user, uint16_t user_len, uint8_t **password,
               size_t *password_len, void *data)
{
  *password = data;
  *password_len = strlen (data);
  return true;
}

static gboolean
read_user (ScopeStunMessage *out, const StunMessage *message)
{
  uint16_t len;
  const char *user = stun_message_find (message, STUN_ATTRIBUTE_USERNAME, &len);

  if (!user)
    return TRUE;
  if (len == 0 || len > SCOPE_STUN_USER_MAX || memchr (user, 0, len))
    return FALSE;
  memcpy (out->user, user, len);
  return TRUE;
}

static gboolean
read_mapped (ScopeStunMessage *out, const StunMessage *message)
{
  struct sockaddr_storage storage;
  socklen_t len = sizeof storage;

  memset (&storage, 0, sizeof storage);
  /* Servers of RFC 3489 have the plain one only. */
  if (stun_message_find_xor_addr (message, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &storage, &len) !=
          STUN_MESSAGE_RETURN_SUCCESS &&
      (len = sizeof storage,
       stun_message_find_addr (message, STUN_ATTRIBUTE_MAPPED_ADDRESS, &storage, &len) != STUN_MESSAGE_RETURN_SUCCESS))
    return FALSE;
  if (storage.ss_family == AF_INET)
    memcpy (&out->mapped.in, &storage, sizeof out->mapped.in);
  else if (storage.ss_family == AF_INET6)
    memcpy (&out->mapped.in6, &storage, sizeof out->mapped.in6);
  else
    return FALSE;
  return (storage.ss_family == AF_INET ? out->mapped.in.sin_port : out->mapped.in6.sin6_port) != 0;
}

gboolean
scope_stun_parse (ScopeStunMessage *out, const guint8 *data, gsize len)
{
  StunAgent agent;
  StunMessage message = { .agent = &agent, .buffer = (uint8_t *) data, .buffer_len = len };
  int flags = STUN_AGENT_USAGE_IGNORE_CREDENTIALS;
  uint16_t seal_len;
  StunTransactionId id;

  memset (out, 0, sizeof *out);
  if (len < SCOPE_STUN_MIN || len > SCOPE_STUN_MAX ||
      stun_message_validate_buffer_length (data, len, true) != (int) len)
    return FALSE;
  stun_agent_init (&agent, known, STUN_COMPATIBILITY_RFC5389, flags);
  if (stun_message_get_method (&message) != STUN_BINDING)
    return FALSE;
  if (stun_message_has_attribute (&message, STUN_ATTRIBUTE_FINGERPRINT))
    stun_agent_init (&agent, known, STUN_COMPATIBILITY_RFC5389, flags | STUN_AGENT_USAGE_USE_FINGERPRINT);

  expect (&agent, &message, NULL);
  if (stun_agent_validate (&agent, &message, data, len, no_password, NULL) != STUN_VALIDATION_SUCCESS)
    return FALSE;
  /* libnice compares 20 bytes, however many are there. */
  out->sealed = stun_message_find (&message, STUN_ATTRIBUTE_MESSAGE_INTEGRITY, &seal_len) != NULL;
  if (out->sealed && seal_len != SEAL_LEN)
    return FALSE;
  stun_message_id (&message, id);
  memcpy (out->id, id + sizeof id - SCOPE_STUN_ID_LEN, SCOPE_STUN_ID_LEN);

  switch (stun_message_get_class (&message))
    {
    case STUN_REQUEST:
      out->kind = SCOPE_STUN_REQUEST;
      return read_user (out, &message);
    case STUN_RESPONSE:
      out->kind = SCOPE_STUN_ANSWER;
      return read_mapped (out, &message);
    case STUN_ERROR:
      out->kind = SCOPE_STUN_ERROR;
      return TRUE;
    case STUN_INDICATION:
    default:
      return FALSE;
    }
}

gboolean
scope_stun_verify (const guint8 *data, gsize len, const char *password)
{
  StunAgent agent;
  StunMessage message = { .agent = &agent, .buffer = (uint8_t *) data, .buffer_len = len };

  stun_agent_init (&agent, known, STUN_COMPATIBILITY_RFC5389, STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS);
  /* An error may come without, and would pass. */
  if (password[0] == '\0' || !stun_message_has_attribute (&message, STUN_ATTRIBUTE_MESSAGE_INTEGRITY))
    return FALSE;
  expect (&agent, &message, password);
  return stun_agent_validate (&agent, &message, data, len, this_password, (void *) password) == STUN_VALIDATION_SUCCESS;
}

static void
begin (StunAgent *agent, StunMessage *message, guint8 *buffer, StunClass class, const guint8 *id)
{
  StunTransactionId full;

  stun_agent_init (agent, known, STUN_COMPATIBILITY_RFC5389,
                   STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
  *message = (StunMessage) { .agent = agent, .buffer = buffer, .buffer_len = SCOPE_STUN_MAX };
  full_id (full, id);
  stun_message_init (message, class, STUN_BINDING, full);
}

static gsize
finish (StunAgent *agent, StunMessage *message, const char *password)
{
  return stun_agent_finish_message (agent, message, (const uint8_t *) password, password ? strlen (password) : 0);
}

gsize
scope_stun_request (guint8 *buffer, const guint8 *id, const char *user, const char *password)
{
  StunAgent agent;
  StunMessage message;

  g_return_val_if_fail (!user == !password && (!user || strlen (user) <= SCOPE_STUN_USER_MAX), 0);
  begin (&agent, &message, buffer, STUN_REQUEST, id);
  if (user)
    stun_message_append_string (&message, STUN_ATTRIBUTE_USERNAME, user);
  return finish (&agent, &message, password);
}

gsize
scope_stun_answer (guint8 *buffer, const guint8 *id, const ScopeSockaddr *mapped, const char *password)
{
  StunAgent agent;
  StunMessage message;
  struct sockaddr_storage storage;

  memset (&storage, 0, sizeof storage);
  memcpy (&storage, mapped, scope_sockaddr_len (mapped));
  begin (&agent, &message, buffer, STUN_RESPONSE, id);
  stun_message_append_xor_addr (&message, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &storage, scope_sockaddr_len (mapped));
  return finish (&agent, &message, password);
}

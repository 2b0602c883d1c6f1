/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-v1-session-private: between registry-v1-session.c (how a session begins, what is sent in it, how it
 * ends) and registry-v1-messages.c (what members say in it).
 */
#pragma once

#include "registry/registry-publish.h"
#include "registry/registry-v1-session.h"
#include "wire/scope-v1.h"

#define REGISTRY_NONCE_LEN 32

/**
 * RegistryV1Session:
 * @mesh: NULL when the network is no longer served, or the session has ended
 * @member: once the hello was good; NULL after the end
 * @welcome: is due, with the next go_on(): what admitted it is stored then
 * @grant: the same, for a new grant; @granted: when, monotonic µs
 * @strange: messages before its hello was good
 * @paths: revision of the table that it has
 * @live: it knows the roster: events are for it
 */
struct _RegistryV1Session {
  RegistryMesh *mesh;
  const RegistryV1Shared *shared;
  RegistrySocket *socket;
  RegistryMember *member;
  guint8 nonce[REGISTRY_NONCE_LEN];
  gint64 deadline;
  gboolean welcome;
  gboolean grant;
  gint64 granted;
  guint strange;
  gboolean open;
  gboolean live;
  RegistryCursor cursor;
  guint64 paths;
  RegistryBucket messages, bytes, signatures, reports, forks, links;
};

void registry_v1_session_send (RegistryV1Session *session, const ScopeV1Message *message);
void registry_v1_session_send_error (RegistryV1Session *session, const char *code, const char *text);

/* From now on it is nobody's session. @departed: its member has left */
void registry_v1_session_detach (RegistryV1Session *session, gboolean departed);

/* A message of a member's, or a stranger's ping. @len: bytes of its frame */
void registry_v1_session_dispatch (RegistryV1Session *session, const ScopeV1Message *message, gsize len);

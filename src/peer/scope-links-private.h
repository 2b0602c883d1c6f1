/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of scope-links share: -links: who there is, and what becomes of each; -talk: messages;
 * -shape: WireGuard's peers.
 */
#pragma once

#include "net/scope-stun-agent.h"
#include "peer/scope-links.h"
#include "peer/scope-liveness.h"
#include "peer/scope-punch.h"
#include "peer/scope-site.h"

typedef enum {
  LINK_QUIET, /* the other end begins: no endpoint of ours */
  LINK_GIVEN, /* begin with the endpoint that the roster gives */
  LINK_FOUND, /* begin where a check was answered */
} ScopeLinkMode;

/**
 * ScopeLink:
 * @plausible: its record has an endpoint that needs no punching
 * @wanted: the liveness was told to look at it
 * @due: when punching starts unless it is up; G_MAXINT64 for never
 * @first: whether we call first then
 * @failures: of punching in a row
 */
typedef struct {
  ScopeLinks *links;
  ScopeKey key;
  ScopeRole role;
  gboolean online;
  gboolean plausible;
  gboolean seen;
  ScopeLinkMode mode;
  ScopeSockaddr endpoint;
  gboolean up;
  gboolean wanted;
  ScopePunch *punch;
  ScopePunchSelf self;
  ScopeStunCheck *check;
  char *their_id;
  gint64 due;
  gboolean first;
  guint failures;
} ScopeLink;

struct _ScopeLinks {
  const ScopeSettings *settings;
  ScopeKey own;
  ScopeRole role;
  const ScopeLinksCalls *calls;
  gpointer data;

  GHashTable *table; /* ScopeKey → ScopeLink */
  ScopePath *path;
  ScopeTunnel *tunnel;
  ScopeLiveness *liveness;
  ScopeStunAgent *agent;
  ScopeSite *site;
  GPtrArray *servers; /* STUN, text */
  char **endpoints;
  char **observed;
  char **candidates; /* what we tell others */
  guint keepalive;
  gboolean connected;
  ScopeKey attachment;
  guint timer_id;
};

gint64 scope_links_now (void);
ScopeLink *scope_links_find (ScopeLinks *links, const ScopeKey *key);

/* What the path machine wants said and done; after everything that it was told. */
void scope_links_run (ScopeLinks *links);

/* Credentials and candidates of now, before anything that may say them. */
void scope_link_refresh (ScopeLink *link);

/* To @to: over the link when it works, else by the registry, else by relays. @direct: the link or nothing. */
gboolean scope_links_say (ScopeLinks *links, const ScopeKey *to, const char *name, JsonObject *body, gboolean direct);

/* ScopeChannelFunc */
void scope_links_on_message (const ScopeKey *from, const char *type, JsonObject *body, const char *text, gsize len,
                             gpointer data);

/* A message of @from, however it came; @direct: over its own link. */
void scope_links_dispatch (ScopeLinks *links, const ScopeKey *from, gboolean direct, const char *name, JsonObject *body);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-stun-private: what the agent and its checks share: transactions, which are requests that wait for an answer.
 */
#pragma once

#include "net/scope-raw.h"
#include "net/scope-stun-agent.h"
#include "net/scope-stun.h"

#define SCOPE_STUN_TRIES 4

typedef struct _ScopeStunTransaction ScopeStunTransaction;

/**
 * ScopeStunDoneFunc:
 * @transaction: ends with this call
 * @mapped: (nullable): %NULL when nothing came
 */
typedef void (*ScopeStunDoneFunc) (ScopeStunTransaction *transaction, const ScopeSockaddr *mapped, guint rtt,
                                   gpointer data);

struct _ScopeStunAgent {
  grefcount refs; /* checks hold one each */
  ScopeRaw *raw;  /* NULL once freed */
  gboolean serving;
  struct _ScopeStunLimit *limit;
  GHashTable *transactions; /* set of ScopeStunTransaction, by their random part */
  GHashTable *asks;         /* number -> transaction (borrowed) */
  GHashTable *checks;       /* id -> check (borrowed) */
  guint last_ask;
};

struct _ScopeStunTransaction {
  guint8 id[SCOPE_STUN_ID_LEN]; /* the last byte is that of the first try; each further one is one more */
  ScopeStunAgent *agent;
  ScopeSockaddr to;
  char *user; /* NULL without credentials */
  const char *password;
  int ttl;
  guint tries; /* sent until now */
  guint max_tries;
  gint64 sent[SCOPE_STUN_TRIES]; /* monotonic, µs */
  gboolean no_way;               /* the kernel did not take it */
  GSource *timer;
  ScopeStunDoneFunc done;
  gpointer data;
};

/**
 * scope_stun_transaction_new:
 * @user, @password: (nullable): @user is copied, @password is borrowed
 * @tries: how often it is sent
 *
 * Sends the first one. It lives until @done, or scope_stun_transaction_drop().
 */
ScopeStunTransaction *scope_stun_transaction_new (ScopeStunAgent *agent, const ScopeSockaddr *to, const char *user,
                                                  const char *password, int ttl, guint tries, ScopeStunDoneFunc done,
                                                  gpointer data);
void scope_stun_transaction_drop (ScopeStunTransaction *transaction);

/* A request with credentials came. Returns: the password to answer with (borrowed), or NULL for silence */
const char *scope_stun_check_accept (ScopeStunCheck *check, const ScopeStunMessage *message, const guint8 *data,
                                     gsize len);
void scope_stun_check_heard (ScopeStunCheck *check, const ScopeSockaddr *from);

void scope_stun_agent_unref (ScopeStunAgent *agent);

/* From the kernel; ends the program where it has none. */
void scope_stun_random (guint8 *out, gsize len);

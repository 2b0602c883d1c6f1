/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-question: what a person can do about a start that failed: whether there is something to ask him, and how.
 * Pure: the plugin sends it (SecretsRequired) and hears the answer (NewSecrets).
 */
#pragma once

#include <NetworkManager.h>

/**
 * ScopeQuestionCase:
 * @connection: that was to start, with the secrets that it had
 * @error: why it did not
 * @root: (nullable): fingerprint of the root key that waits to be confirmed
 * @v1: the network is one of v1: it may take an invite
 * @asked: a person has been asked before, and may have got it wrong
 */
typedef struct {
  NMConnection *connection;
  const GError *error;
  const char *root;
  gboolean v1;
  gboolean asked;
} ScopeQuestionCase;

/**
 * ScopeQuestion:
 * @message: why we ask; translated
 * @hints: for NetworkManager's agents: the secret that is wanted
 * @root: (nullable): what is to be confirmed
 */
typedef struct {
  char *message;
  char **hints;
  char *root;
} ScopeQuestion;

/* (nullable): %NULL when there is nothing that a person could answer */
ScopeQuestion *scope_question_new (const ScopeQuestionCase *that);
void scope_question_free (ScopeQuestion *question);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeQuestion, scope_question_free)

typedef enum {
  SCOPE_ANSWER_GO,    /* start anew */
  SCOPE_ANSWER_AGAIN, /* ask again: the question's message has changed */
  SCOPE_ANSWER_NO,    /* the root key is not the right one */
} ScopeAnswer;

/**
 * scope_question_take:
 * @connection: (inout): as NetworkManager gives it, with the new secrets; gets those that it had @before and that are not
 *   among them
 * @given: as NetworkManager gave it the last time: nmcli (1.42) shows a person what was wrong as dots, and the new answer
 *   comes behind it
 */
ScopeAnswer scope_question_take (ScopeQuestion *question, NMConnection *connection, NMConnection *before, NMConnection *given);

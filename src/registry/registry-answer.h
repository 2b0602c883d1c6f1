/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-answer: answers in the forms that 0.0.x has: JSON, text, and errors as JSON. None of them may
 * be kept by a cache.
 */
#pragma once

#include <libsoup/soup.h>

#define REGISTRY_JSON_TYPE "application/json"

void registry_answer (SoupServerMessage *message, guint status, const char *type, GBytes *body);
/* @text: copied */
void registry_answer_text (SoupServerMessage *message, guint status, const char *text);

/* {"ifname": @network, "error": @error} */
void registry_answer_error (SoupServerMessage *message, guint status, const char *network, const char *error);

/* 400, {"error":"badRequest","field": @field} */
void registry_answer_bad_field (SoupServerMessage *message, const char *field);

/* @seconds: after which to ask again */
void registry_answer_later (SoupServerMessage *message, guint status, guint seconds, const char *text);

/* This answer is the last one of its connection. */
void registry_answer_close (SoupServerMessage *message);

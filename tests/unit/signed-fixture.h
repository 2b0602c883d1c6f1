/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Identities with known seeds, and payloads that are good but for one member. */
#pragma once

#include "crypto/scope-jws.h"

#define NOW 1800000000
#define NETWORK "home"
#define KEY_A "iE7eXvWcPUo2u8tT8lGTqbA/Yo2hCYOyOWsDBG0xVnA="
#define KEY_B "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="

typedef struct {
  ScopeIdentity *root, *delegate, *alice, *bob;
} SignedFixture;

extern SignedFixture fixture;

void signed_fixture_init (void);
void signed_fixture_clear (void);

const char *fingerprint_of (const ScopeIdentity *identity);

/* @identity@ and @fingerprint@ in @payload are those of @about. */
char *payload_about (const char *payload, const ScopeIdentity *about);

/* The same with @member replaced, which must be there. */
char *payload_with (const char *payload, const ScopeIdentity *about, const char *member, const char *instead);

ScopeJws *signed_by (const ScopeIdentity *identity, const char *typ, const char *payload);

/* A member of a payload, what it is replaced with, and the error then. */
typedef struct {
  const char *member, *instead;
  int code;
  const char *error;
} WrongMember;

/* Whether @error is the expected one; stops the test when not. Clears it. */
void expect_error (GError **error, int code, const char *message, const char *what);

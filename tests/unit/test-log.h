/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-log: what the code under test logs. g_test_expect_message() does not see structured messages, so
 * a writer of our own keeps warnings for the test to look at; anything critical ends the test.
 */
#pragma once

#include <glib.h>

/* (element-type utf8): those that no test has looked at, the oldest first */
extern GPtrArray *test_log_warnings;

/* All lines but debug ones, since the last test_log_expect() */
extern GString *test_log_text;

void test_log_init (void);

/* @text must have been logged; what was logged until now is forgotten. */
void test_log_expect (const char *text);

/* Takes the oldest warning, which must be like @pattern. */
void test_log_assert_warning (const char *pattern);

void test_log_assert_quiet (void);

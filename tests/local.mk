# SPDX-License-Identifier: GPL-3.0-or-later

check_PROGRAMS += tests/unit/test-import
TESTS += tests/unit/test-import
tests_unit_test_import_SOURCES = tests/unit/test-import.c
tests_unit_test_import_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) \
	-DSCOPE_SRCDIR='"$(abs_top_srcdir)"' -DSCOPE_BUILDDIR='"$(abs_top_builddir)"'
tests_unit_test_import_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS)
tests_unit_test_import_LDADD = libscope-properties.la
EXTRA_DIST += tests/unit/data/import

if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz-import
tests_fuzz_fuzz_import_SOURCES = tests/fuzz/fuzz-import.c
tests_fuzz_fuzz_import_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_fuzz_fuzz_import_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS)
tests_fuzz_fuzz_import_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_import_LDADD = libscope-properties.la
endif
EXTRA_DIST += tests/fuzz/fuzz-import.c tests/fuzz/corpus/import

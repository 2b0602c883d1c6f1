# SPDX-License-Identifier: GPL-3.0-or-later
#
# Unit tests speak TAP; `make check` runs every one. A script that wants them finds them in $(unit_tests).

LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
AM_LOG_DRIVER_FLAGS = --merge --comments
LOG_COMPILER = $(SHELL) -c '"$$0" --tap'
AM_TESTS_ENVIRONMENT = MALLOC_PERTURB_=85; export MALLOC_PERTURB_;

unit_tests =

test_log = tests/unit/test-log.c tests/unit/test-log.h

unit_tests += tests/unit/test-common
tests_unit_test_common_SOURCES = tests/unit/test-common.c
tests_unit_test_common_LDADD = libscope-common.la $(GLIB_LIBS)

unit_tests += tests/unit/test-crypto
tests_unit_test_crypto_SOURCES = tests/unit/test-crypto.c
tests_unit_test_crypto_CPPFLAGS = $(AM_CPPFLAGS) -DSCOPE_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_test_crypto_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_crypto_LDADD = libscope-crypto.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-question
tests_unit_test_question_SOURCES = tests/unit/test-question.c src/service/scope-banner.c src/service/scope-last-error.c \
	src/service/scope-question.c
tests_unit_test_question_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS)
tests_unit_test_question_LDADD = libscope-common.la $(LIBNM_LIBS) $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-link
tests_unit_test_link_SOURCES = tests/unit/test-link.c
tests_unit_test_link_LDADD = libscope-tunnel.la $(GLIB_LIBS)

unit_tests += tests/unit/test-forward
tests_unit_test_forward_SOURCES = tests/unit/test-forward.c
tests_unit_test_forward_LDADD = libscope-tunnel.la $(GLIB_LIBS)

unit_tests += tests/unit/test-channel
tests_unit_test_channel_SOURCES = tests/unit/test-channel.c
tests_unit_test_channel_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_channel_LDADD = libscope-net.la libscope-tunnel.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-fit
tests_unit_test_fit_SOURCES = tests/unit/test-fit.c
tests_unit_test_fit_LDADD = libscope-net.la $(GLIB_LIBS)

unit_tests += tests/unit/test-pulse
tests_unit_test_pulse_SOURCES = tests/unit/test-pulse.c
tests_unit_test_pulse_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_pulse_LDADD = libscope-net.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-wg
tests_unit_test_wg_SOURCES = tests/unit/test-wg.c
tests_unit_test_wg_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS)
tests_unit_test_wg_LDADD = libscope-tunnel.la $(MNL_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-candidates
tests_unit_test_candidates_SOURCES = tests/unit/test-candidates.c
tests_unit_test_candidates_LDADD = libscope-net.la $(GLIB_LIBS)

unit_tests += tests/unit/test-mapping
tests_unit_test_mapping_SOURCES = tests/unit/test-mapping.c
tests_unit_test_mapping_LDADD = libscope-net.la $(GLIB_LIBS)
unit_tests += tests/unit/test-nat
tests_unit_test_nat_SOURCES = tests/unit/test-nat.c
tests_unit_test_nat_LDADD = libscope-net.la $(GLIB_LIBS)

unit_tests += tests/unit/test-stun
tests_unit_test_stun_SOURCES = tests/unit/test-stun.c
tests_unit_test_stun_LDADD = libscope-net.la $(GLIB_LIBS)

unit_tests += tests/unit/test-stun-agent
tests_unit_test_stun_agent_SOURCES = tests/unit/test-stun-agent.c
tests_unit_test_stun_agent_LDADD = libscope-net.la $(GLIB_LIBS)

unit_tests += tests/unit/test-import
tests_unit_test_import_SOURCES = tests/unit/test-import.c
tests_unit_test_import_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) \
	-DSCOPE_SRCDIR='"$(abs_top_srcdir)"' -DSCOPE_BUILDDIR='"$(abs_top_builddir)"'
tests_unit_test_import_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS)
tests_unit_test_import_LDADD = libscope-properties.la $(LIBNM_LIBS) $(GLIB_LIBS)
EXTRA_DIST += tests/unit/data/import

unit_tests += tests/unit/test-wg-quick
tests_unit_test_wg_quick_SOURCES = tests/unit/test-wg-quick.c
tests_unit_test_wg_quick_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_wg_quick_LDADD = libscope-common.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-mtu
tests_unit_test_mtu_SOURCES = tests/unit/test-mtu.c
tests_unit_test_mtu_LDADD = libscope-peer.la $(GLIB_LIBS)

unit_tests += tests/unit/test-plan
tests_unit_test_plan_SOURCES = tests/unit/test-plan.c
tests_unit_test_plan_LDADD = libscope-peer.la $(GLIB_LIBS)

unit_tests += tests/unit/test-policy
tests_unit_test_policy_SOURCES = tests/unit/test-policy.c
tests_unit_test_policy_LDADD = libscope-peer.la $(GLIB_LIBS)

unit_tests += tests/unit/test-reach
tests_unit_test_reach_SOURCES = tests/unit/test-reach.c
tests_unit_test_reach_LDADD = libscope-peer.la $(GLIB_LIBS)

unit_tests += tests/unit/test-slow
tests_unit_test_slow_SOURCES = tests/unit/test-slow.c
tests_unit_test_slow_LDADD = libscope-net.la $(GLIB_LIBS)

unit_tests += tests/unit/test-punch
tests_unit_test_punch_SOURCES = tests/unit/test-punch.c
tests_unit_test_punch_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_punch_LDADD = libscope-peer.la $(JSON_LIBS) $(GLIB_LIBS)

kex_fake = tests/unit/kex-fake.c tests/unit/kex-fake.h

unit_tests += tests/unit/test-kex
tests_unit_test_kex_SOURCES = tests/unit/test-kex.c $(kex_fake)
tests_unit_test_kex_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_kex_LDADD = libscope-peer.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-kex-adopt
tests_unit_test_kex_adopt_SOURCES = tests/unit/test-kex-adopt.c $(kex_fake)
tests_unit_test_kex_adopt_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_kex_adopt_LDADD = libscope-peer.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-kex-sim
tests_unit_test_kex_sim_SOURCES = tests/unit/test-kex-sim.c tests/unit/kex-sim-link.c tests/unit/kex-sim-link.h $(kex_fake)
tests_unit_test_kex_sim_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_kex_sim_LDADD = libscope-peer.la $(JSON_LIBS) $(GLIB_LIBS) -lm

unit_tests += tests/unit/test-choose
tests_unit_test_choose_SOURCES = tests/unit/test-choose.c
tests_unit_test_choose_LDADD = libscope-peer.la $(GLIB_LIBS)

unit_tests += tests/unit/test-resolver
tests_unit_test_resolver_SOURCES = tests/unit/test-resolver.c $(test_log)
tests_unit_test_resolver_LDADD = libscope-peer.la $(GLIB_LIBS)

unit_tests += tests/unit/test-keystore
tests_unit_test_keystore_SOURCES = tests/unit/test-keystore.c src/service/scope-keystore.c
tests_unit_test_keystore_CPPFLAGS = $(AM_CPPFLAGS) -DSCOPE_STATE_DIR=\"/nonexistent\"
tests_unit_test_keystore_LDADD = libscope-crypto.la $(GLIB_LIBS)

unit_tests += tests/unit/test-base
tests_unit_test_base_SOURCES = tests/unit/test-base.c src/service/scope-base.c src/service/scope-clock-watch.c
tests_unit_test_base_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS)
tests_unit_test_base_LDADD = libscope-tunnel.la $(GLIB_LIBS)

unit_tests += tests/unit/test-cache
tests_unit_test_cache_SOURCES = tests/unit/test-cache.c $(test_log)
tests_unit_test_cache_LDADD = libscope-peer.la $(GLIB_LIBS)

unit_tests += tests/unit/test-trust
tests_unit_test_trust_SOURCES = tests/unit/test-trust.c tests/unit/trust-fixture.c tests/unit/trust-fixture.h $(test_log)
tests_unit_test_trust_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_trust_LDADD = libscope-peer.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-wire
tests_unit_test_wire_SOURCES = tests/unit/test-wire.c
tests_unit_test_wire_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_wire_LDADD = libscope-wire.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-least tests/unit/test-table tests/unit/test-tier
tests_unit_test_least_SOURCES = tests/unit/test-least.c
tests_unit_test_least_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_least_LDADD = libscope-path.la $(GLIB_LIBS)
tests_unit_test_table_SOURCES = tests/unit/test-table.c
tests_unit_test_table_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_table_LDADD = libscope-path.la $(GLIB_LIBS)
tests_unit_test_tier_SOURCES = tests/unit/test-tier.c
tests_unit_test_tier_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_tier_LDADD = libscope-path.la $(GLIB_LIBS)

unit_tests += tests/unit/test-v1
tests_unit_test_v1_SOURCES = tests/unit/test-v1.c
tests_unit_test_v1_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_v1_LDADD = libscope-wire.la $(JSON_LIBS) $(GLIB_LIBS)

path_sim = tests/unit/path-sim.c tests/unit/path-sim.h tests/unit/path-sim-private.h tests/unit/path-sim-messages.c \
	tests/unit/path-sim-registry.c tests/unit/path-sim-links.c tests/unit/path-sim-look.c

unit_tests += tests/unit/test-damping
tests_unit_test_damping_SOURCES = tests/unit/test-damping.c
tests_unit_test_damping_LDADD = libscope-path.la $(GLIB_LIBS)

path_small = tests/unit/path-small.c tests/unit/path-small.h $(path_sim)

unit_tests += tests/unit/test-path
tests_unit_test_path_SOURCES = tests/unit/test-path.c $(path_small)
tests_unit_test_path_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_path_LDADD = libscope-path.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-path-attach
tests_unit_test_path_attach_SOURCES = tests/unit/test-path-attach.c $(path_small)
tests_unit_test_path_attach_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_path_attach_LDADD = libscope-path.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-path-relays
tests_unit_test_path_relays_SOURCES = tests/unit/test-path-relays.c $(path_small)
tests_unit_test_path_relays_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_path_relays_LDADD = libscope-path.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-path-message
tests_unit_test_path_message_SOURCES = tests/unit/test-path-message.c
tests_unit_test_path_message_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_path_message_LDADD = libscope-path.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-path-sim
tests_unit_test_path_sim_SOURCES = tests/unit/test-path-sim.c tests/unit/path-world.c tests/unit/path-world.h \
	tests/unit/path-checks.c $(path_sim)
tests_unit_test_path_sim_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_path_sim_LDADD = libscope-path.la $(JSON_LIBS) $(GLIB_LIBS) -lm

signed_fixture = tests/unit/signed-fixture.c tests/unit/signed-fixture.h

unit_tests += tests/unit/test-authority
tests_unit_test_authority_SOURCES = tests/unit/test-authority.c $(signed_fixture)
tests_unit_test_authority_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_authority_LDADD = libscope-crypto.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-record
tests_unit_test_record_SOURCES = tests/unit/test-record.c $(signed_fixture)
tests_unit_test_record_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_record_LDADD = libscope-wire.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-vectors
tests_unit_test_vectors_SOURCES = tests/unit/test-vectors.c
tests_unit_test_vectors_CPPFLAGS = $(AM_CPPFLAGS) -DSCOPE_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_test_vectors_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_vectors_LDADD = libscope-wire.la $(JSON_LIBS) $(GLIB_LIBS)
EXTRA_DIST += tests/unit/data/vectors

# Not a test: writes what test-vectors reads.
check_PROGRAMS += tests/unit/make-vectors
tests_unit_make_vectors_SOURCES = tests/unit/make-vectors.c
tests_unit_make_vectors_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_make_vectors_LDADD = libscope-wire.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-registry-config
tests_unit_test_registry_config_SOURCES = tests/unit/test-registry-config.c
tests_unit_test_registry_config_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_registry_config_LDADD = libscope-registry.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-registry-store
tests_unit_test_registry_store_SOURCES = tests/unit/test-registry-store.c
tests_unit_test_registry_store_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_registry_store_LDADD = libscope-registry.la $(SQLITE_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-registry-members
tests_unit_test_registry_members_SOURCES = tests/unit/test-registry-members.c
tests_unit_test_registry_members_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_registry_members_LDADD = libscope-registry.la $(GLIB_LIBS)

unit_tests += tests/unit/test-registry-v1
tests_unit_test_registry_v1_SOURCES = tests/unit/test-registry-v1.c tests/unit/v1-fixture.c tests/unit/v1-fixture.h $(test_log)
tests_unit_test_registry_v1_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_registry_v1_LDADD = libscope-registry.la $(SOUP_LIBS) $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-registry-v1-edges
tests_unit_test_registry_v1_edges_SOURCES = tests/unit/test-registry-v1-edges.c tests/unit/v1-fixture.c \
	tests/unit/v1-fixture.h $(test_log)
tests_unit_test_registry_v1_edges_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_registry_v1_edges_LDADD = libscope-registry.la $(SOUP_LIBS) $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-registry-stun
tests_unit_test_registry_stun_SOURCES = tests/unit/test-registry-stun.c tests/unit/v1-fixture.c tests/unit/v1-fixture.h \
	$(test_log)
tests_unit_test_registry_stun_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_registry_stun_LDADD = libscope-registry.la $(SOUP_LIBS) $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-carry
tests_unit_test_carry_SOURCES = tests/unit/test-carry.c
tests_unit_test_carry_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_carry_LDADD = libscope-registry.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-registry-carry
tests_unit_test_registry_carry_SOURCES = tests/unit/test-registry-carry.c tests/unit/v1-fixture.c tests/unit/v1-fixture.h \
	$(test_log)
tests_unit_test_registry_carry_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_registry_carry_LDADD = libscope-registry.la $(SOUP_LIBS) $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-carrier
tests_unit_test_carrier_SOURCES = tests/unit/test-carrier.c tests/unit/v1-fixture.c tests/unit/v1-fixture.h $(test_log)
tests_unit_test_carrier_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_carrier_LDADD = libscope-registry.la libscope-peer.la $(SOUP_LIBS) $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-registry-parts
tests_unit_test_registry_parts_SOURCES = tests/unit/test-registry-parts.c $(test_log)
tests_unit_test_registry_parts_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_registry_parts_LDADD = libscope-registry.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-registry-server
tests_unit_test_registry_server_SOURCES = tests/unit/test-registry-server.c $(test_log)
tests_unit_test_registry_server_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_registry_server_LDADD = libscope-registry.la $(SOUP_LIBS) $(JSON_LIBS) $(GLIB_LIBS)

session_fixture = tests/unit/session-fixture.c tests/unit/session-fixture.h $(test_log)

unit_tests += tests/unit/test-session
tests_unit_test_session_SOURCES = tests/unit/test-session.c $(session_fixture)
tests_unit_test_session_CPPFLAGS = $(AM_CPPFLAGS) -DSCOPE_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_test_session_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS)
tests_unit_test_session_LDADD = libscope-peer.la $(SOUP_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-session-tls
tests_unit_test_session_tls_SOURCES = tests/unit/test-session-tls.c $(session_fixture)
tests_unit_test_session_tls_CPPFLAGS = $(AM_CPPFLAGS) -DSCOPE_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_test_session_tls_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS)
tests_unit_test_session_tls_LDADD = libscope-peer.la $(SOUP_LIBS) $(GLIB_LIBS)
EXTRA_DIST += tests/unit/data/tls

unit_tests += tests/unit/test-keyfile
tests_unit_test_keyfile_SOURCES = tests/unit/test-keyfile.c
tests_unit_test_keyfile_CPPFLAGS = $(AM_CPPFLAGS) -DSCOPE_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_test_keyfile_LDADD = libscope-crypto.la $(GLIB_LIBS)

unit_tests += tests/unit/test-ctl-local
tests_unit_test_ctl_local_SOURCES = tests/unit/test-ctl-local.c
tests_unit_test_ctl_local_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_ctl_local_LDADD = libscope-ctl.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-netcheck
tests_unit_test_netcheck_SOURCES = tests/unit/test-netcheck.c
tests_unit_test_netcheck_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_netcheck_LDADD = libscope-ctl.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-network
tests_unit_test_network_SOURCES = tests/unit/test-network.c src/service/scope-network.c src/service/scope-network-state.c
tests_unit_test_network_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_network_LDADD = libscope-common.la $(JSON_LIBS) $(GLIB_LIBS)

unit_tests += tests/unit/test-ctl
tests_unit_test_ctl_SOURCES = tests/unit/test-ctl.c
tests_unit_test_ctl_CPPFLAGS = $(AM_CPPFLAGS) -DSCOPE_BUILDDIR='"$(abs_top_builddir)"'
tests_unit_test_ctl_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS) $(JSON_CFLAGS) $(QRENCODE_CFLAGS)
tests_unit_test_ctl_LDADD = libscope-ctl.la $(SOUP_LIBS) $(JSON_LIBS) $(QRENCODE_LIBS) $(GLIB_LIBS)

check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

# Our WireGuard layer as a program; tests/system/test-wg-device drives it (root; also in the VM).
check_PROGRAMS += tests/system/wg-tool
tests_system_wg_tool_SOURCES = tests/system/wg-tool.c
tests_system_wg_tool_LDADD = libscope-tunnel.la $(GLIB_LIBS)

# Liveness on any interface; tests/system/test-link drives it.
check_PROGRAMS += tests/system/link-tool
tests_system_link_tool_SOURCES = tests/system/link-tool.c
tests_system_link_tool_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_system_link_tool_LDADD = libscope-peer.la $(GLIB_LIBS)

unit_tests += tests/unit/test-registry-v1-paths
tests_unit_test_registry_v1_paths_SOURCES = tests/unit/test-registry-v1-paths.c tests/unit/v1-fixture.c \
	tests/unit/v1-fixture.h $(test_log)
tests_unit_test_registry_v1_paths_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_registry_v1_paths_LDADD = libscope-registry.la $(SOUP_LIBS) $(JSON_LIBS) $(GLIB_LIBS)

# v1 peers in numbers; tests/system/test-registry-crash and tests/bench/bench-registry drive it.
check_PROGRAMS += tests/system/v1-client
tests_system_v1_client_SOURCES = tests/system/v1-client.c tests/system/v1-common.c tests/system/v1-common.h
tests_system_v1_client_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_system_v1_client_LDADD = libscope-wire.la $(JSON_LIBS) $(GLIB_LIBS)

# A member that has packets carried; tests/system/test-carry drives it.
check_PROGRAMS += tests/system/carry-client
tests_system_carry_client_SOURCES = tests/system/carry-client.c tests/system/v1-common.c tests/system/v1-common.h
tests_system_carry_client_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS) $(JSON_CFLAGS)
tests_system_carry_client_LDADD = libscope-peer.la $(SOUP_LIBS) $(JSON_LIBS) $(GLIB_LIBS)

# Keys and signatures for the registry that lies, tests/system/test-liar.
check_PROGRAMS += tests/system/forge
tests_system_forge_SOURCES = tests/system/forge.c
tests_system_forge_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_system_forge_LDADD = libscope-crypto.la libscope-common.la $(JSON_LIBS) $(GLIB_LIBS)

check_PROGRAMS += tests/desktop/files-tool
tests_desktop_files_tool_SOURCES = tests/desktop/files-tool.c
tests_desktop_files_tool_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS) $(JSON_CFLAGS)
tests_desktop_files_tool_LDADD = libscope-common.la $(LIBNM_LIBS) $(JSON_LIBS) $(GLIB_LIBS)

# The lab's delayed cable.
check_PROGRAMS += tests/lab/delay
tests_lab_delay_SOURCES = tests/lab/delay.c

# The lab's logind, for machines that sleep.
check_PROGRAMS += tests/lab/login1
tests_lab_login1_SOURCES = tests/lab/login1.c
tests_lab_login1_LDADD = $(GLIB_LIBS)

# Fuzz targets: ./configure --enable-fuzzing CC=clang; run with the corpus of the same name.
fuzz_targets = tests/fuzz/fuzz-import tests/fuzz/fuzz-netlink tests/fuzz/fuzz-uapi
EXTRA_PROGRAMS = $(fuzz_targets)
tests_fuzz_fuzz_import_SOURCES = tests/fuzz/fuzz-import.c
tests_fuzz_fuzz_import_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_fuzz_fuzz_import_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS)
tests_fuzz_fuzz_import_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_import_LDADD = libscope-properties.la $(LIBNM_LIBS) $(GLIB_LIBS)
tests_fuzz_fuzz_netlink_SOURCES = tests/fuzz/fuzz-netlink.c
tests_fuzz_fuzz_netlink_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_netlink_LDADD = libscope-tunnel.la $(GLIB_LIBS)
tests_fuzz_fuzz_uapi_SOURCES = tests/fuzz/fuzz-uapi.c
tests_fuzz_fuzz_uapi_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_uapi_LDADD = libscope-tunnel.la $(GLIB_LIBS)
fuzz_targets += tests/fuzz/fuzz-cache
tests_fuzz_fuzz_cache_SOURCES = tests/fuzz/fuzz-cache.c
tests_fuzz_fuzz_cache_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_cache_LDADD = libscope-peer.la $(GLIB_LIBS)

fuzz_targets += tests/fuzz/fuzz-machine
tests_fuzz_fuzz_machine_SOURCES = tests/fuzz/fuzz-machine.c
tests_fuzz_fuzz_machine_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_machine_LDADD = libscope-tunnel.la $(GLIB_LIBS)

fuzz_targets += tests/fuzz/fuzz-link
tests_fuzz_fuzz_link_SOURCES = tests/fuzz/fuzz-link.c
tests_fuzz_fuzz_link_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_fuzz_link_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_link_LDADD = libscope-net.la $(JSON_LIBS) $(GLIB_LIBS)

fuzz_targets += tests/fuzz/fuzz-keyfile
tests_fuzz_fuzz_keyfile_SOURCES = tests/fuzz/fuzz-keyfile.c
tests_fuzz_fuzz_keyfile_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_keyfile_LDADD = libscope-crypto.la $(GLIB_LIBS)

fuzz_targets += tests/fuzz/fuzz-invite
tests_fuzz_fuzz_invite_SOURCES = tests/fuzz/fuzz-invite.c
tests_fuzz_fuzz_invite_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_invite_LDADD = libscope-common.la $(GLIB_LIBS)

fuzz_targets += tests/fuzz/fuzz-wg-quick
tests_fuzz_fuzz_wg_quick_SOURCES = tests/fuzz/fuzz-wg-quick.c
tests_fuzz_fuzz_wg_quick_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_fuzz_wg_quick_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_wg_quick_LDADD = libscope-common.la $(JSON_LIBS) $(GLIB_LIBS)

fuzz_targets += tests/fuzz/fuzz-jws
tests_fuzz_fuzz_jws_SOURCES = tests/fuzz/fuzz-jws.c
tests_fuzz_fuzz_jws_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_fuzz_jws_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_jws_LDADD = libscope-crypto.la $(JSON_LIBS) $(GLIB_LIBS)

fuzz_targets += tests/fuzz/fuzz-trust-cache
tests_fuzz_fuzz_trust_cache_SOURCES = tests/fuzz/fuzz-trust-cache.c
tests_fuzz_fuzz_trust_cache_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_fuzz_trust_cache_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_trust_cache_LDADD = libscope-peer.la $(JSON_LIBS) $(GLIB_LIBS)

fuzz_targets += tests/fuzz/fuzz-config tests/fuzz/fuzz-message tests/fuzz/fuzz-request tests/fuzz/fuzz-roster \
	tests/fuzz/fuzz-ws
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz-config.c
tests_fuzz_fuzz_config_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_config_LDADD = libscope-registry.la $(GLIB_LIBS)
tests_fuzz_fuzz_message_SOURCES = tests/fuzz/fuzz-message.c
tests_fuzz_fuzz_message_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_message_LDADD = libscope-wire.la $(GLIB_LIBS)
tests_fuzz_fuzz_request_SOURCES = tests/fuzz/fuzz-request.c
tests_fuzz_fuzz_request_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_fuzz_request_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_request_LDADD = libscope-registry.la $(GLIB_LIBS)
tests_fuzz_fuzz_roster_SOURCES = tests/fuzz/fuzz-roster.c
tests_fuzz_fuzz_roster_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_roster_LDADD = libscope-wire.la $(GLIB_LIBS)
tests_fuzz_fuzz_ws_SOURCES = tests/fuzz/fuzz-ws.c
tests_fuzz_fuzz_ws_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_ws_LDADD = libscope-registry.la $(GLIB_LIBS)
fuzz_targets += tests/fuzz/fuzz-grant tests/fuzz/fuzz-record tests/fuzz/fuzz-v1
tests_fuzz_fuzz_grant_SOURCES = tests/fuzz/fuzz-grant.c
tests_fuzz_fuzz_grant_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_fuzz_grant_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_grant_LDADD = libscope-crypto.la $(JSON_LIBS) $(GLIB_LIBS)
tests_fuzz_fuzz_record_SOURCES = tests/fuzz/fuzz-record.c
tests_fuzz_fuzz_record_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_fuzz_record_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_record_LDADD = libscope-wire.la $(JSON_LIBS) $(GLIB_LIBS)
tests_fuzz_fuzz_v1_SOURCES = tests/fuzz/fuzz-v1.c
tests_fuzz_fuzz_v1_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_fuzz_v1_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_v1_LDADD = libscope-wire.la $(JSON_LIBS) $(GLIB_LIBS)
fuzz_targets += tests/fuzz/fuzz-carry
tests_fuzz_fuzz_carry_SOURCES = tests/fuzz/fuzz-carry.c
tests_fuzz_fuzz_carry_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_fuzz_carry_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_carry_LDADD = libscope-wire.la $(JSON_LIBS) $(GLIB_LIBS)
fuzz_targets += tests/fuzz/fuzz-kex
tests_fuzz_fuzz_kex_SOURCES = tests/fuzz/fuzz-kex.c $(kex_fake)
tests_fuzz_fuzz_kex_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_fuzz_fuzz_kex_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_fuzz_kex_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_kex_LDADD = libscope-peer.la $(JSON_LIBS) $(GLIB_LIBS)
fuzz_targets += tests/fuzz/fuzz-path
tests_fuzz_fuzz_path_SOURCES = tests/fuzz/fuzz-path.c
tests_fuzz_fuzz_path_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_fuzz_path_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_path_LDADD = libscope-path.la $(JSON_LIBS) $(GLIB_LIBS)
fuzz_targets += tests/fuzz/fuzz-stun
tests_fuzz_fuzz_stun_SOURCES = tests/fuzz/fuzz-stun.c
tests_fuzz_fuzz_stun_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_stun_LDADD = libscope-net.la $(GLIB_LIBS)

if FUZZING
noinst_PROGRAMS += $(fuzz_targets)
endif
EXTRA_DIST += tests/fuzz/corpus

# The registry under load; tests/bench/README.md has what was measured.
check_PROGRAMS += tests/bench/ws-load
tests_bench_ws_load_SOURCES = tests/bench/ws-load.c
EXTRA_DIST += tests/bench/README.md tests/bench/bench-paths tests/bench/bench-registry tests/bench/uapi-double

# Peers without NetworkManager and with a double of WireGuard, for tests/bench/bench-keys.
check_PROGRAMS += tests/bench/members
tests_bench_members_SOURCES = tests/bench/members.c
tests_bench_members_LDADD = libscope-peer.la $(GLIB_LIBS)
tests_bench_members_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=scope_tunnel_read -Wl,--wrap=scope_tunnel_get_config \
	-Wl,--wrap=scope_tunnel_set_preshared -Wl,--wrap=scope_tunnel_renew -Wl,--wrap=scope_tunnel_limit_mtu \
	-Wl,--wrap=g_file_set_contents_full

unit_tests += tests/unit/test-editor-model
tests_unit_test_editor_model_SOURCES = tests/unit/test-editor-model.c
tests_unit_test_editor_model_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS)
tests_unit_test_editor_model_LDADD = libscope-editor.la $(LIBNM_LIBS) $(GLIB_LIBS)

# tests/desktop/test-editor drives the editor in these.
if WITH_GTK3
check_PROGRAMS += tests/desktop/editor-host-gtk3
tests_desktop_editor_host_gtk3_SOURCES = tests/desktop/editor-host.c
tests_desktop_editor_host_gtk3_CFLAGS = $(AM_CFLAGS) $(GTK3_CFLAGS) $(NMA_CFLAGS) $(LIBNM_CFLAGS)
tests_desktop_editor_host_gtk3_LDADD = $(GTK3_LIBS) $(NMA_LIBS) $(LIBNM_LIBS)
endif
if WITH_GTK4
check_PROGRAMS += tests/desktop/editor-host-gtk4
tests_desktop_editor_host_gtk4_SOURCES = tests/desktop/editor-host.c
tests_desktop_editor_host_gtk4_CPPFLAGS = $(AM_CPPFLAGS) -DGDK_DISABLE_DEPRECATION_WARNINGS
tests_desktop_editor_host_gtk4_CFLAGS = $(AM_CFLAGS) $(GTK4_CFLAGS) $(NMA_GTK4_CFLAGS) $(LIBNM_CFLAGS)
tests_desktop_editor_host_gtk4_LDADD = $(GTK4_LIBS) $(NMA_GTK4_LIBS) $(LIBNM_LIBS)
endif

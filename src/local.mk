# SPDX-License-Identifier: GPL-3.0-or-later
# The floors of src/ (see design: a floor includes only floors above it in this list).

noinst_LTLIBRARIES += \
	libscope-common.la \
	libscope-crypto.la \
	libscope-wire.la \
	libscope-path.la \
	libscope-net.la \
	libscope-tunnel.la \
	libscope-peer.la

libscope_common_la_SOURCES = \
	src/common/scope-base64.c src/common/scope-base64.h \
	src/common/scope-confirm.c src/common/scope-confirm.h \
	src/common/scope-endpoint.c src/common/scope-endpoint.h \
	src/common/scope-error.c src/common/scope-error.h \
	src/common/scope-failure.h \
	src/common/scope-fields.c src/common/scope-fields.h \
	src/common/scope-groups.c src/common/scope-groups.h \
	src/common/scope-invite-file.c src/common/scope-invite-file.h \
	src/common/scope-json.c src/common/scope-json.h \
	src/common/scope-key.c src/common/scope-key.h \
	src/common/scope-pq.c src/common/scope-pq.h \
	src/common/scope-prefix.c src/common/scope-prefix.h \
	src/common/scope-secret-service.c src/common/scope-secret-service.h \
	src/common/scope-setting-limits.c src/common/scope-setting-limits.h \
	src/common/scope-settings.c src/common/scope-settings.h \
	src/common/scope-wg-quick.c src/common/scope-wg-quick.h
libscope_common_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
libscope_common_la_LIBADD = $(GLIB_LIBS) $(JSON_LIBS)

libscope_crypto_la_SOURCES = \
	src/crypto/scope-authority.c src/crypto/scope-authority.h src/crypto/scope-authority-private.h \
	src/crypto/scope-authority-form.c src/crypto/scope-authority-form.h \
	src/crypto/scope-identity.c src/crypto/scope-identity.h src/crypto/scope-identity-private.h \
	src/crypto/scope-jws.c src/crypto/scope-jws.h \
	src/crypto/scope-kem.c src/crypto/scope-kem.h \
	src/crypto/scope-keyfile.c src/crypto/scope-keyfile.h \
	src/crypto/scope-link-address.c src/crypto/scope-link-address.h \
	src/crypto/scope-openssl.c src/crypto/scope-openssl.h \
	src/crypto/scope-x25519.c src/crypto/scope-x25519.h
libscope_crypto_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS) $(CRYPTO_CFLAGS)
libscope_crypto_la_LIBADD = libscope-common.la $(JSON_LIBS) $(CRYPTO_LIBS)

libscope_wire_la_SOURCES = \
	src/wire/scope-carry.c src/wire/scope-carry.h \
	src/wire/scope-kex-message.c src/wire/scope-kex-message.h \
	src/wire/scope-latency.h \
	src/wire/scope-message.c src/wire/scope-message.h \
	src/wire/scope-path-message.c src/wire/scope-path-message.h \
	src/wire/scope-punch-message.c src/wire/scope-punch-message.h \
	src/wire/scope-record.c src/wire/scope-record.h src/wire/scope-record-private.h \
	src/wire/scope-roster.c src/wire/scope-roster.h \
	src/wire/scope-v1.c src/wire/scope-v1.h src/wire/scope-v1-private.h \
	src/wire/scope-v1-format.c src/wire/scope-v1-keyed.c src/wire/scope-v1-parse.c src/wire/scope-v1-paths.c
libscope_wire_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
libscope_wire_la_LIBADD = libscope-crypto.la libscope-common.la $(JSON_LIBS) -lm

libscope_path_la_SOURCES = \
	src/path/scope-damping.c src/path/scope-damping.h \
	src/path/scope-path.c src/path/scope-path.h src/path/scope-path-private.h \
	src/path/scope-path-alone.c \
	src/path/scope-path-attach.c \
	src/path/scope-path-pair.c \
	src/path/scope-path-relays.c \
	src/path/scope-least.c src/path/scope-least.h \
	src/path/scope-table.c src/path/scope-table.h \
	src/path/scope-tier.c src/path/scope-tier.h
libscope_path_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
libscope_path_la_LIBADD = libscope-wire.la $(JSON_LIBS)

libscope_net_la_SOURCES = \
	src/net/scope-candidates.c src/net/scope-candidates.h \
	src/net/scope-channel.c src/net/scope-channel.h \
	src/net/scope-link-packet.c src/net/scope-link-packet.h \
	src/net/scope-nat.c src/net/scope-nat.h \
	src/net/scope-prober.c src/net/scope-prober.h \
	src/net/scope-fit.c src/net/scope-fit.h \
	src/net/scope-pulse.c src/net/scope-pulse.h \
	src/net/scope-raw.c src/net/scope-raw.h \
	src/net/scope-mapping.c src/net/scope-mapping.h \
	src/net/scope-slow.c src/net/scope-slow.h \
	src/net/scope-stun.c src/net/scope-stun.h \
	src/net/scope-stun-agent.c src/net/scope-stun-agent.h \
	src/net/scope-stun-check.c src/net/scope-stun-private.h \
	src/net/scope-stun-limit.c src/net/scope-stun-limit.h \
	src/net/scope-tap.c src/net/scope-tap.h \
	src/net/scope-waker.c src/net/scope-waker.h
libscope_net_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS) $(NICE_CFLAGS)
libscope_net_la_LIBADD = libscope-wire.la libscope-crypto.la libscope-common.la $(JSON_LIBS) $(NICE_LIBS)

libscope_tunnel_la_SOURCES = \
	src/tunnel/scope-nft.c src/tunnel/scope-nft.h \
	src/tunnel/scope-policy.c src/tunnel/scope-policy.h \
	src/tunnel/scope-firewall.c src/tunnel/scope-firewall.h \
	src/tunnel/scope-firewalld.c src/tunnel/scope-firewalld.h \
	src/tunnel/scope-fence.c src/tunnel/scope-fence.h \
	src/tunnel/scope-forward.c src/tunnel/scope-forward.h \
	src/tunnel/scope-link.c src/tunnel/scope-link.h \
	src/tunnel/scope-masquerade.c src/tunnel/scope-masquerade.h \
	src/tunnel/scope-routes.c src/tunnel/scope-routes-watch.c src/tunnel/scope-routes.h \
	src/tunnel/scope-rtnl.c src/tunnel/scope-rtnl-policy.c src/tunnel/scope-rtnl-wireguard.c \
	src/tunnel/scope-rtnl.h src/tunnel/scope-rtnl-private.h \
	src/tunnel/scope-sysctl.c src/tunnel/scope-sysctl.h \
	src/tunnel/scope-tunnel.c src/tunnel/scope-tunnel.h \
	src/tunnel/scope-tunnel-attached.c src/tunnel/scope-tunnel-attached.h \
	src/tunnel/scope-tunnel-kernel.c src/tunnel/scope-tunnel-kernel.h \
	src/tunnel/scope-tunnel-setup.c src/tunnel/scope-tunnel-setup.h \
	src/tunnel/scope-tunnel-sweep.c src/tunnel/scope-tunnel-sweep.h \
	src/tunnel/scope-tunnel-userspace.c src/tunnel/scope-tunnel-userspace.h \
	src/tunnel/scope-unmanaged.c src/tunnel/scope-unmanaged.h \
	src/tunnel/scope-wg.c src/tunnel/scope-wg.h \
	src/tunnel/scope-wg-netlink.c src/tunnel/scope-wg-netlink.h \
	src/tunnel/scope-wg-netlink-decode.c src/tunnel/scope-wg-netlink-decode.h \
	src/tunnel/scope-wg-private.h \
	src/tunnel/scope-wg-uapi.c src/tunnel/scope-wg-uapi.h
libscope_tunnel_la_CPPFLAGS = $(AM_CPPFLAGS) -DWIREGUARD_GO=\"$(WIREGUARD_GO)\"
libscope_tunnel_la_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS) $(LIBNM_CFLAGS) $(JSON_CFLAGS)
libscope_tunnel_la_LIBADD = libscope-crypto.la libscope-common.la $(MNL_LIBS) $(LIBNM_LIBS) $(JSON_LIBS)

libscope_peer_la_SOURCES = \
	src/peer/scope-announcer.c src/peer/scope-announcer.h \
	src/peer/scope-api.c src/peer/scope-api.h \
	src/peer/scope-cache.c src/peer/scope-cache.h \
	src/peer/scope-carrier.c src/peer/scope-carrier.h src/peer/scope-carrier-private.h \
	src/peer/scope-carrier-link.c src/peer/scope-carrier-queue.c \
	src/peer/scope-choose.c src/peer/scope-choose.h \
	src/peer/scope-describe.c src/peer/scope-describe.h \
	src/peer/scope-dialer.c src/peer/scope-dialer.h \
	src/peer/scope-engine.c src/peer/scope-engine.h src/peer/scope-engine-private.h src/peer/scope-engine-raise.c \
	src/peer/scope-envelope.c src/peer/scope-envelope.h \
	src/peer/scope-fetch.c src/peer/scope-fetch.h \
	src/peer/scope-intake.c src/peer/scope-intake.h \
	src/peer/scope-kex-pair.c src/peer/scope-kex-say.c src/peer/scope-kex-store.c src/peer/scope-kex-trial.c \
	src/peer/scope-kex.c src/peer/scope-kex.h src/peer/scope-kex-private.h \
	src/peer/scope-kex-adopt.c \
	src/peer/scope-keys.c src/peer/scope-keys.h src/peer/scope-keys-private.h \
	src/peer/scope-keys-say.c \
	src/peer/scope-legacy.c src/peer/scope-legacy.h \
	src/peer/scope-liveness.c src/peer/scope-liveness.h \
	src/peer/scope-member.c src/peer/scope-member.h src/peer/scope-member-private.h src/peer/scope-member-talk.c \
	src/peer/scope-memory.c src/peer/scope-memory.h \
	src/peer/scope-mtu.c src/peer/scope-mtu.h \
	src/peer/scope-nudger.c src/peer/scope-nudger.h \
	src/peer/scope-observer.c src/peer/scope-observer.h \
	src/peer/scope-outfit.c src/peer/scope-outfit.h \
	src/peer/scope-patience.c src/peer/scope-patience.h \
	src/peer/scope-links.c src/peer/scope-links.h src/peer/scope-links-private.h \
	src/peer/scope-links-carry.c src/peer/scope-links-lost.c src/peer/scope-links-meet.c src/peer/scope-links-report.c \
	src/peer/scope-links-quality.c src/peer/scope-links-shape.c src/peer/scope-links-talk.c \
	src/peer/scope-links-view.c src/peer/scope-links-view.h \
	src/peer/scope-outside.c src/peer/scope-outside.h \
	src/peer/scope-plan.c src/peer/scope-plan.h \
	src/peer/scope-punch.c src/peer/scope-punch.h \
	src/peer/scope-portmap.c src/peer/scope-portmap-ask.c src/peer/scope-portmap.h src/peer/scope-portmap-private.h \
	src/peer/scope-reach.c src/peer/scope-reach.h \
	src/peer/scope-resolver.c src/peer/scope-resolver.h \
	src/peer/scope-self.c src/peer/scope-self.h \
	src/peer/scope-session.c src/peer/scope-session.h src/peer/scope-session-private.h \
	src/peer/scope-soup.c src/peer/scope-soup.h \
	src/peer/scope-source.c src/peer/scope-source.h \
	src/peer/scope-site.c src/peer/scope-site.h \
	src/peer/scope-stale.c src/peer/scope-stale.h \
	src/peer/scope-timeout.h \
	src/peer/scope-trust.c src/peer/scope-trust.h src/peer/scope-trust-private.h \
	src/peer/scope-trust-cache.c src/peer/scope-trust-entry.c src/peer/scope-trust-give.c \
	src/peer/scope-trust-log.c src/peer/scope-trust-ranges.c src/peer/scope-trust-roster.c \
	src/peer/scope-v1-session.c src/peer/scope-v1-session.h \
	src/peer/scope-wanted.c src/peer/scope-wanted.h
libscope_peer_la_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS) $(MINIUPNPC_CFLAGS) $(JSON_CFLAGS)
libscope_peer_la_LIBADD = libscope-path.la libscope-tunnel.la libscope-net.la libscope-wire.la $(SOUP_LIBS) $(MINIUPNPC_LIBS) $(NATPMP_LIBS) $(JSON_LIBS)

libexec_PROGRAMS += src/service/nm-scope-service

src_service_nm_scope_service_SOURCES = \
	src/service/nm-scope-service.c \
	src/service/scope-activation.c src/service/scope-activation.h \
	src/service/scope-autoconnect.c src/service/scope-autoconnect.h \
	src/service/scope-banner.c src/service/scope-banner.h \
	src/service/scope-base.c src/service/scope-base.h \
	src/service/scope-base-watch.c src/service/scope-base-watch.h \
	src/service/scope-clock-watch.c src/service/scope-clock-watch.h \
	src/service/scope-control.c src/service/scope-control.h \
	src/service/scope-keystore.c src/service/scope-keystore.h \
	src/service/scope-last-error.c src/service/scope-last-error.h \
	src/service/scope-log.c src/service/scope-log.h \
	src/service/scope-network.c src/service/scope-network.h \
	src/service/scope-network-state.c src/service/scope-network-state.h \
	src/service/scope-plugin.c src/service/scope-plugin.h \
	src/service/scope-question.c src/service/scope-question.h \
	src/service/scope-report.c src/service/scope-report.h \
	src/service/scope-start.c src/service/scope-start.h
src_service_nm_scope_service_CPPFLAGS = $(AM_CPPFLAGS) -DSCOPE_STATE_DIR=\"$(localstatedir)/lib/nm-scope\" \
	-DLOCALEDIR=\"$(localedir)\"
src_service_nm_scope_service_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS) $(CRYPTO_CFLAGS)
src_service_nm_scope_service_LDADD = libscope-peer.la $(LIBNM_LIBS) $(CRYPTO_LIBS)

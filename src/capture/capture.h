/*
 * Where frames come from: capture files (pcap, pcapng; plain, gzip or zstd), and interfaces
 * through libpcap; and the vantage on top: flows to diagnoses to reports.
 */
#ifndef TW_CAPTURE_H
#define TW_CAPTURE_H

#include "base/base.h"
#include "passive/passive.h"
#include "probe/probe.h"
#include "report/report.h"

/* ---- source.c -------------------------------------------------------------------------------- */

struct tw_source;

/** @param why  text in errbuf when NULL comes back */
struct tw_source *tw_source_open(const char *path, char *errbuf, size_t cap);
/** Live: nobody's traffic is changed; promiscuous mode is not asked for. */
struct tw_source *tw_source_live(const char *interface, char *errbuf, size_t cap);
void tw_source_close(struct tw_source *s);
/** BPF in the words of pcap-filter(7); bpf is borrowed. */
bool tw_source_filter(struct tw_source *s, const char *bpf, char *errbuf, size_t cap);

enum tw_source_status { TW_SOURCE_FRAME, TW_SOURCE_END, TW_SOURCE_IDLE /* live: none for now */,
                        TW_SOURCE_DAMAGED };
struct tw_frame { uint64_t at; /* unix time, ns */ int linktype; struct tw_view bytes;
                  size_t wire_len; };
/** The next frame; borrowed until the next call. DAMAGED: errbuf says what and at which byte of the
 *  file (uncompressed). */
enum tw_source_status tw_source_next(struct tw_source *s, struct tw_frame *f, char *errbuf,
                                     size_t cap);

/* ---- groups.c: flows of the same fate -------------------------------------------------------- */

struct tw_groups;
struct tw_groups *tw_groups_new(void);
void tw_groups_free(struct tw_groups *g);
struct tw_group_key { const char *cause, *certainty, *client, *server, *sni, *summary; };
/** Counts a failed flow. Client and server are addresses; the server with port. */
void tw_groups_add(struct tw_groups *g, const struct tw_group_key *k, unsigned flow);
/** Lines for a person, most frequent first; at most `max`. */
void tw_groups_write(const struct tw_groups *g, size_t max, struct tw_buf *out);

#endif

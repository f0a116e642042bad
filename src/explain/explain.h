/*
 * From a pasted text to findings: which messages are in it, which stack said them, on which side
 * it speaks, and which causes they can mean together. Pure; no I/O.
 */
#ifndef TW_EXPLAIN_H
#define TW_EXPLAIN_H

#include "rules/rules.h"

enum { TW_EXPLAIN_MAX_MATCHES = 64, TW_EXPLAIN_MAX_BYTES = 64 << 20 };

/** The compiled catalogue of messages. Immutable once made; may be shared by threads. */
struct tw_explainer;
/** NULL for lack of memory. Takes some milliseconds: it builds the automaton. */
struct tw_explainer *tw_explainer_new(void);
void tw_explainer_free(struct tw_explainer *e);

/**
 * Finds the messages of a paste and judges what they mean.
 *
 * @param text   borrowed for the call; any bytes. More than TW_EXPLAIN_MAX_BYTES is not looked at.
 * @param arena  holds texts of the diagnosis
 * @param d      matches, causes in order of likelihood, outcome and failed_at are filled in; its
 *               case is that of the trace
 * @param trace  gets the settings host, port and scheme of the peer that the paste is about, when
 *               it names one; must live as long as d
 * @return TW_OK, also when nothing was found; TW_E_NOMEM
 */
enum tw_status tw_explain(const struct tw_explainer *e, struct tw_view text,
                          struct tw_trace *trace, struct tw_arena *arena,
                          struct tw_diagnosis *d) TW_MUST_CHECK;

/** Some message of the catalogue can mean this cause. */
bool tw_explain_knows(const char *cause_id);

#endif

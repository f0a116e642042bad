/*
 * Reports: format what rules found; never judge.
 */
#ifndef TW_REPORT_H
#define TW_REPORT_H

#include "base/base.h"
#include "rules/rules.h"

struct tw_report_options {
    bool colour;
    int verbosity;      /* -1 quiet: verdict line only; 0; 1: also trials, certificates, facts */
    unsigned width;     /* columns; 0 = 100 */
    const char *vantage; /* "check", "replay" */
    const char *command; /* how to call again, for "check again with"; or NULL */
};

/** Text for a person, fits the width, reads well without colour. */
enum tw_status tw_report_text(const struct tw_diagnosis *d, const struct tw_report_options *o,
                              struct tw_buf *out) TW_MUST_CHECK;
/** One line of JSON per the contract (docs/tlswhy-1.schema.json), with newline. */
enum tw_status tw_report_json(const struct tw_diagnosis *d, const struct tw_report_options *o,
                              struct tw_buf *out) TW_MUST_CHECK;
/** `tlswhy causes` and `tlswhy causes ID`; json: JSON lines. false: no such id. */
bool tw_report_causes(const char *id, bool json, const struct tw_report_options *o,
                      struct tw_buf *out);
/** `tlswhy clients`; json: JSON lines. */
void tw_report_clients(bool json, struct tw_buf *out);

#endif

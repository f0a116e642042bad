/* Certificates and paths in the JSON object. */
#ifndef TW_JSON_CERT_H
#define TW_JSON_CERT_H

#include "report/json_writer.h"
#include "trace/trace.h"

/** One certificate as an object, from its CERTIFICATE fact. */
void json_certificate(struct json *j, const struct tw_fact *f);
/** "paths": the best path first, each with its certificates and everything wrong with it; and
 *  "chain_notes". Both are empty when no certificate was seen. */
void json_paths(struct json *j, const struct tw_trace *t);

#endif

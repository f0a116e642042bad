/* Members that a connection out of a capture has besides the contract's object. */
#ifndef TW_REPORT_FLOW_H
#define TW_REPORT_FLOW_H

#include "report/json_writer.h"
#include "report/report.h"

/** Writes "flow", and beside it in short what people select by: client, server, sni,
 *  selected_version, cipher, alerts, complete, n_server_certs, closed_by. */
void json_flow(struct json *j, const struct tw_report_flow *f);

#endif

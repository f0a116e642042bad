/* JSON of a connection out of a capture. */
#include "report/flow.h"

static void yes_no(struct json *j, const char *key, int v)
{
    if (v < 0)
        json_null(j, key);
    else
        json_bool(j, key, v != 0);
}

static const char *alert_name(uint8_t description)
{
    const struct tw_code *c = tw_alert_by_code(description);
    return c == NULL ? "unassigned" : c->name;
}

static void alerts(struct json *j, const struct tw_report_flow *f)
{
    json_open(j, "alerts", '[');
    for (size_t i = 0; i < f->alerts_n; i++) {
        bool hidden = f->alerts[i].encrypted;
        json_open(j, NULL, '{');
        json_str(j, "from", f->alerts[i].from_server ? "server" : "client");
        json_str(j, "level", hidden ? NULL : f->alerts[i].level == 1 ? "warning" : "fatal");
        json_str(j, "description", hidden ? NULL : alert_name(f->alerts[i].description));
        json_bool(j, "encrypted", hidden);
        if (f->alerts[i].inferred)
            json_bool(j, "inferred", true);
        json_close(j, '}');
    }
    json_close(j, ']');
}

/* The same in short. */
static void short_alerts(struct json *j, const struct tw_report_flow *f)
{
    json_open(j, "alerts", '[');
    for (size_t i = 0; i < f->alerts_n; i++) {
        json_open(j, NULL, '{');
        json_str(j, "dir", f->alerts[i].from_server ? "S" : "C");
        if (f->alerts[i].encrypted)
            json_bool(j, "encrypted", true);
        else
            json_str(j, "desc", alert_name(f->alerts[i].description));
        json_close(j, '}');
    }
    json_close(j, ']');
}

void json_flow(struct json *j, const struct tw_report_flow *f)
{
    char hex[8];
    json_open(j, "flow", '{');
    json_int(j, "n", f->n);
    json_str(j, "client", f->client);
    json_str(j, "server", f->server);
    json_str(j, "transport", f->transport);
    json_str(j, "protocol", f->protocol);
    json_seconds(j, "start", f->start);
    json_str(j, "file", f->file);
    json_str(j, "closed_by", f->closed_by);
    json_str(j, "how", f->how);
    alerts(j, f);
    yes_no(j, "complete", f->complete);
    json_int(j, "lost_bytes", (int64_t)f->lost_bytes);
    json_str(j, "ja3", f->ja3);
    json_str(j, "ja4", f->ja4);
    json_str(j, "ja4s", f->ja4s);
    json_close(j, '}');
    json_str(j, "client", f->client);
    json_str(j, "server", f->server);
    json_str(j, "sni", f->sni);
    json_str(j, "selected_version", f->selected_version);
    snprintf(hex, sizeof hex, "0x%04x", f->cipher);
    json_str(j, "cipher", f->selected_version == NULL ? NULL : hex);
    short_alerts(j, f);
    yes_no(j, "complete", f->complete);
    json_int(j, "n_server_certs", f->server_certs);
    json_str(j, "closed_by", f->closed_by);
}

static void named(struct json *j, const char *key, uint16_t id,
                  const char *(*label)(uint16_t, char *, size_t))
{
    char buf[64];
    json_str(j, key, id == 0 ? NULL : label(id, buf, sizeof buf));
}

static void target(struct json *j, const struct tw_report_flow *f)
{
    const char *colon = strrchr(f->server, ':');
    size_t n = colon == NULL ? strlen(f->server) : (size_t)(colon - f->server);
    json_open(j, "target", '{');
    json_str(j, "input", f->file);
    if (f->sni != NULL)
        json_str(j, "host", f->sni);
    else
        json_bytes(j, "host", tw_view_of(f->server, n));
    json_int(j, "port", colon == NULL ? 0 : (int64_t)strtoul(colon + 1, NULL, 10));
    json_str(j, "server_name", f->sni);
    json_null(j, "starttls");
    json_open(j, "addresses", '[');
    json_bytes(j, NULL, tw_view_of(f->server, n));
    json_close(j, ']');
    json_close(j, '}');
}

static void handshake(struct json *j, const struct tw_report_flow *f)
{
    json_open(j, "handshake", '{');
    named(j, "version", f->version, tw_version_label);
    named(j, "cipher", f->cipher, tw_suite_label);
    named(j, "group", f->group, tw_group_label);
    json_null(j, "signature");
    json_str(j, "alpn", f->alpn);
    json_bool(j, "resumed", f->resumed);
    json_bool(j, "hello_retry", f->hello_retry);
    json_str(j, "client_auth", !f->cert_request ? "none" : f->client_cert ? "sent" : "requested");
    json_bool(j, "complete", f->complete == 1);
    json_null(j, "http_status");
    json_open(j, "ladder", '[');
    json_close(j, ']');
    json_close(j, '}');
}

static void timing(struct json *j, const struct tw_report_flow *f)
{
    json_open(j, "timing", '{');
    json_time(j, "total_ms", f->took, 1e6);
    json_null(j, "tcp_ms");
    json_null(j, "first_byte_ms");
    if (f->handshake_took > 0)
        json_time(j, "handshake_ms", f->handshake_took, 1e6);
    else
        json_null(j, "handshake_ms");
    json_int(j, "connections", 1);
    json_int(j, "rounds", 1);
    json_close(j, '}');
}

static void empty(struct json *j, const char *key)
{
    json_open(j, key, '[');
    json_close(j, ']');
}

enum tw_status tw_report_flow_json(const struct tw_report_flow *f, struct tw_buf *out)
{
    struct json j = {out, false};
    json_open(&j, NULL, '{');
    json_str(&j, "schema", "tlswhy/1");
    json_str(&j, "vantage", "pcap");
    target(&j, f);
    json_str(&j, "outcome", f->outcome);
    json_null(&j, "failed_at");
    empty(&j, "causes");
    empty(&j, "warnings");
    handshake(&j, f);
    empty(&j, "certificates");
    empty(&j, "trials");
    timing(&j, f);
    json_flow(&j, f);
    json_close(&j, '}');
    tw_wr_u8(out, '\n');
    return out->failed ? TW_E_LIMIT : TW_OK;
}

/* `tlswhy clients`: the real clients whose ClientHello is known. */
#include "report/json_writer.h"
#include "report/report.h"

#include "wire/wire.h"

static void client_json(struct tw_buf *out, const struct tw_client_profile *p)
{
    struct json j = {out, false};
    char label[64];
    json_open(&j, NULL, '{');
    json_str(&j, "client", p->name);
    json_str(&j, "title", p->title);
    json_str(&j, "date", p->date);
    json_str(&j, "source", p->source);
    json_open(&j, "versions", '[');
    for (size_t i = 0; i < p->versions.n; i++)
        json_str(&j, NULL, tw_version_label(p->versions.v[i], label, sizeof label));
    json_close(&j, ']');
    json_int(&j, "ciphers", (int64_t)p->ciphers.n);
    json_close(&j, '}');
    tw_wr_u8(out, '\n');
}

static void client_line(struct tw_buf *out, const struct tw_client_profile *p)
{
    char low[16], high[16], range[48], line[400];
    uint16_t max = p->versions.v[0], min = p->versions.v[p->versions.n - 1];
    tw_version_label(min, low, sizeof low);
    tw_version_label(max, high, sizeof high);
    if (min == max)
        tw_copy_str(range, sizeof range, high);
    else
        snprintf(range, sizeof range, "%s to %s", low, high);
    snprintf(line, sizeof line, "%-16s %-44s %s\n", p->name, p->title, range);
    tw_buf_add(out, line, strlen(line));
}

void tw_report_clients(bool json, struct tw_buf *out)
{
    const struct tw_client_profile *p;
    for (size_t i = 0; (p = tw_client_profile_at(i)) != NULL; i++) {
        if (json)
            client_json(out, p);
        else
            client_line(out, p);
    }
}

/*
 * Draws the order table (src/engine/order.c) as docs/handshake-order.md: one Mermaid state diagram
 * a protocol, then every row with its source. A test compares the output with the committed file.
 *
 *   order_graph > docs/handshake-order.md
 */
#include "engine/order.h"
#include "wire/wire.h"

static const char *title(uint8_t msg)
{
    const char *t = msg == TW_MSG_HELLO_RETRY_REQUEST ? "HelloRetryRequest" : tw_message_title(msg);
    return t == NULL ? "?" : t;
}

static void edge(const struct tw_order_row *r)
{
    printf("    %s --> %s: %s %s%s%s%s\n", r->from_state, r->to_state, tw_side_name(r->from),
           title(r->msg), r->condition[0] != '\0' ? " [" : "", r->condition,
           r->condition[0] != '\0' ? "]" : "");
}

static void diagram(const char *heading, bool tls13, const char *end)
{
    struct tw_order_row r;
    printf("## %s\n\n```mermaid\nstateDiagram-v2\n    [*] --> START\n", heading);
    for (size_t i = 0; tw_order_row(i, &r); i++)
        if (r.tls13 == tls13 || strcmp(r.from_state, "START") == 0) /* START is of both */
            edge(&r);
    printf("    %s --> [*]\n```\n\n", end);
}

static void table(void)
{
    struct tw_order_row r;
    puts("## Every row\n\n| state | from | message | next | when | source |\n"
         "| --- | --- | --- | --- | --- | --- |");
    for (size_t i = 0; tw_order_row(i, &r); i++)
        printf("| %s | %s | %s | %s | %s | %s |\n", r.from_state, tw_side_name(r.from),
               title(r.msg), r.to_state, r.condition, r.source);
}

int main(void)
{
    puts("# The order of handshake messages\n\n"
         "Made from the table in [order.c](../src/engine/order.c) by `tests/tools/order_graph.c`; do\n"
         "not edit. The endpoint roles act by this table, the observer checks order with it, and\n"
         "reports say with it what would have been allowed. Words in brackets are conditions, named\n"
         "as the functions in the table; ChangeCipherSpec is no handshake message and not in it.\n");
    diagram("TLS 1.3", true, "CONNECTED");
    diagram("TLS 1.0 to 1.2", false, "CONNECTED12");
    table();
    return 0;
}

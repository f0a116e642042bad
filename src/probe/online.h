/* --online: what is asked of the CA while a diagnosis runs. */
#ifndef TW_ONLINE_H
#define TW_ONLINE_H

struct probe;
struct online;

/** Starts the downloads that the certificates seen so far ask for; each counts as one of p->active
 *  until it is over. NULL when there is nothing to ask about, or no memory. */
struct online *online_start(struct probe *p);
/** Ends what is still under way. NULL is fine. */
void online_stop(struct online *o);
/** After the net was freed. NULL is fine. */
void online_free(struct online *o);

#endif

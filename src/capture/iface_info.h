/* What the system says of one of its interfaces, in the form that a store keeps.
 *
 * iface_info_read() always fills `info`: what the system does not tell stays empty, and an interface
 * that is gone already is named "if" and its number.  Any thread; cold paths only. */
#ifndef WEIR_CAPTURE_IFACE_INFO_H
#define WEIR_CAPTURE_IFACE_INFO_H

#include "store/iface.h"

/* hatype: ARPHRD_, decides the link type (capture/frame.h).  Returns whether it is there. */
bool iface_info_read(struct iface_info *info, uint32_t index, uint16_t hatype);

/* "00:11:22:33:44:55" */
#define MAC_TEXT 18
void mac_format(const uint8_t mac[6], char text[MAC_TEXT]);

#endif

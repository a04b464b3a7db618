/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Holds what the filter believes of libvirt's ABI against libvirt's own headers: a prototype that
 * differs does not compile, nor does another number. Without the headers it is skipped.
 */
#include <stdio.h>

#if defined(__has_include) && __has_include(<libvirt/libvirt.h>)
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "common/text.h"
#include "hooks/filter/libvirt_abi.h"

_Static_assert((int)WG_CONNECT_RO == (int)VIR_CONNECT_RO, "VIR_CONNECT_RO");
_Static_assert((int)WG_DOMAIN_XML_SECURE == (int)VIR_DOMAIN_XML_SECURE, "VIR_DOMAIN_XML_SECURE");
_Static_assert((int)WG_DOMAIN_XML_INACTIVE == (int)VIR_DOMAIN_XML_INACTIVE,
               "VIR_DOMAIN_XML_INACTIVE");
_Static_assert((int)WG_DOMAIN_START_FORCE_BOOT == (int)VIR_DOMAIN_START_FORCE_BOOT,
               "VIR_DOMAIN_START_FORCE_BOOT");
_Static_assert((int)WG_DOMAIN_SHUTOFF == (int)VIR_DOMAIN_SHUTOFF, "VIR_DOMAIN_SHUTOFF");
_Static_assert((int)WG_DOMAIN_SHUTOFF_CRASHED == (int)VIR_DOMAIN_SHUTOFF_CRASHED,
               "VIR_DOMAIN_SHUTOFF_CRASHED");
_Static_assert((int)WG_ERR_NO_DOMAIN == (int)VIR_ERR_NO_DOMAIN, "VIR_ERR_NO_DOMAIN");
_Static_assert((int)WG_ERR_OPERATION_INVALID == (int)VIR_ERR_OPERATION_INVALID,
               "VIR_ERR_OPERATION_INVALID");
_Static_assert(WG_UUID_SIZE == VIR_UUID_STRING_BUFLEN, "VIR_UUID_STRING_BUFLEN");

int main(void)
{
    printf("1..1\nok 1 - as libvirt %d.%d.%d has it\n", LIBVIR_VERSION_NUMBER / 1000000,
           LIBVIR_VERSION_NUMBER / 1000 % 1000, LIBVIR_VERSION_NUMBER % 1000);
    return 0;
}
#else
int main(void)
{
    puts("1..0 # SKIP libvirt's headers are not installed");
    return 0;
}
#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * floor STYLESHEET < DOMAIN: parses, applies one stylesheet, writes. No program on libxslt that
 * does this job does less; what it takes is nearly all the loader's and the libraries' own.
 */
#include <libxml/parser.h>
#include <libxslt/transform.h>
#include <libxslt/xsltutils.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    xsltStylesheetPtr sheet = argc == 2 ? xsltParseStylesheetFile(BAD_CAST argv[1]) : NULL;
    xmlDocPtr doc = sheet ? xmlReadFd(0, NULL, NULL, XML_PARSE_NONET) : NULL;
    xmlDocPtr result = doc ? xsltApplyStylesheet(sheet, doc, NULL) : NULL;

    return result && xsltSaveResultToFile(stdout, result, sheet) >= 0 ? 0 : 1;
}

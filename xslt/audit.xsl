<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!-- The page of winguest audit (format html): one file, no scripts, nothing fetched. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">

  <xsl:output method="html" encoding="UTF-8" indent="no" doctype-system="about:legacy-compat"/>

  <xsl:template match="/audit">
    <html lang="en">
      <head>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="color-scheme" content="light dark"/>
        <title>Windows guests: audit</title>
        <style>
          :root { --ink: #1c1e21; --paper: #fff; --faint: #66707a; --line: #d9dde2; --band: #f5f6f8;
                  --bad: #b3261e; --good: #1e6e3c; --wait: #8a5a00; }
          @media (prefers-color-scheme: dark) {
            :root { --ink: #e4e6e9; --paper: #16181b; --faint: #9aa3ad; --line: #33383e; --band: #1f2226;
                    --bad: #ff8a80; --good: #7fd69b; --wait: #f0c060; } }
          body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: var(--ink);
                 background: var(--paper); font: 15px/1.5 system-ui, sans-serif; }
          h1 { font-size: 1.5rem; margin: 0; }
          p.error { overflow-wrap: anywhere; }
          p.time, .faint { color: var(--faint); }
          ul.summary { display: flex; flex-wrap: wrap; gap: .75rem; list-style: none; padding: 0; }
          ul.summary li { background: var(--band); border: 1px solid var(--line); border-radius: 6px;
                          padding: .5rem 1rem; }
          ul.summary b { display: block; font-size: 1.5rem; }
          .scroll { overflow-x: auto; }
          table { border-collapse: collapse; width: 100%; min-width: 46rem; }
          th, td { text-align: left; vertical-align: top; padding: .4rem .75rem;
                   border-bottom: 1px solid var(--line); }
          th { background: var(--band); position: sticky; top: 0; }
          td.name { overflow-wrap: anywhere; }
          .violates, .error { color: var(--bad); } .compliant { color: var(--good); }
          .waits { color: var(--wait); }
          dl { margin: 0; display: grid; grid-template-columns: max-content 1fr; gap: 0 .75rem; }
          dt { font-family: ui-monospace, monospace; } dd { margin: 0; }
        </style>
      </head>
      <body>
        <h1>Windows guests: audit</h1>
        <p class="time"><xsl:value-of select="@time"/></p>
        <ul class="summary">
          <li><b><xsl:value-of select="count(guest)"/></b>guests</li>
          <li class="violates"><b><xsl:value-of select="count(guest[stored/@verdict = 'violates' or (not(stored) and live/@verdict = 'violates')])"/></b>violate the policy</li>
          <li class="waits"><b><xsl:value-of select="count(guest[@waits])"/></b>wait for a cold boot</li>
          <li class="compliant"><b><xsl:value-of select="count(guest[stored/@verdict = 'compliant'])"/></b>compliant</li>
          <li><b><xsl:value-of select="count(guest[*/@verdict = 'exempt'])"/></b>exempt</li>
          <li><b><xsl:value-of select="count(guest[*/@verdict = 'unknown OS'])"/></b>unknown OS</li>
          <li><b><xsl:value-of select="count(guest[*/@verdict = 'skipped' or */@verdict = 'not applicable'])"/></b>skipped</li>
          <xsl:if test="guest/@error or host/@error">
            <li class="error"><b><xsl:value-of select="count(guest[@error]) + count(host[@error])"/></b>errors</li>
          </xsl:if>
        </ul>
        <xsl:for-each select="host[@error]">
          <p class="error"><xsl:value-of select="@error"/></p>
        </xsl:for-each>
        <div class="scroll">
          <table>
            <thead><tr><th>Host</th><th>Guest</th><th>Verdict</th><th>What, and why</th></tr></thead>
            <tbody>
              <xsl:apply-templates select="guest">
                <xsl:sort select="number(not(stored/@verdict = 'violates'))" data-type="number"/>
                <xsl:sort select="number(not(@waits))" data-type="number"/>
                <xsl:sort select="@host"/>
                <xsl:sort select="@name"/>
              </xsl:apply-templates>
            </tbody>
          </table>
        </div>
      </body>
    </html>
  </xsl:template>

  <xsl:template match="guest">
    <tr>
      <td><xsl:value-of select="@host"/></td>
      <td class="name">
        <xsl:value-of select="@name"/>
        <div class="faint"><xsl:value-of select="@file"/></div>
      </td>
      <td><xsl:call-template name="verdict"/></td>
      <td>
        <xsl:value-of select="@error"/>
        <xsl:choose>
          <xsl:when test="@waits"><xsl:apply-templates select="live"/></xsl:when>
          <xsl:when test="stored"><xsl:apply-templates select="stored"/></xsl:when>
          <xsl:otherwise><xsl:apply-templates select="live"/></xsl:otherwise>
        </xsl:choose>
      </td>
    </tr>
  </xsl:template>

  <xsl:template name="verdict">
    <xsl:choose>
      <xsl:when test="@error"><span class="error">error</span></xsl:when>
      <xsl:when test="@waits"><span class="waits">waits for a cold boot</span>
        <xsl:if test="@age"><div class="faint">up <xsl:value-of select="@age"/></div></xsl:if></xsl:when>
      <xsl:otherwise>
        <span class="{translate((stored | live)[1]/@verdict, ' ', '-')}"><xsl:value-of select="(stored | live)[1]/@verdict"/></span>
        <xsl:if test="live/@verdict != stored/@verdict">
          <div class="faint">running<xsl:if test="@by-libvirt">, by libvirt's word</xsl:if>: <xsl:value-of select="live/@verdict"/></div>
        </xsl:if>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="stored | live">
    <div>
      <xsl:value-of select="@os"/>
      <xsl:if test="@evidence">, <xsl:value-of select="@evidence"/></xsl:if>
      <xsl:if test="@reason">: <xsl:value-of select="@reason"/></xsl:if>
    </div>
    <xsl:if test="difference">
      <dl>
        <xsl:for-each select="difference">
          <dt><xsl:value-of select="@where"/></dt>
          <dd><xsl:value-of select="@has"/> → <xsl:value-of select="@must"/></dd>
        </xsl:for-each>
      </dl>
    </xsl:if>
    <xsl:for-each select="note"><div class="faint"><xsl:value-of select="@text"/></div></xsl:for-each>
  </xsl:template>

</xsl:stylesheet>

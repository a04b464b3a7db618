<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!-- The domain's clock: its offset and its timers. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">

  <!-- not imported, which makes a second stylesheet to be compiled: this is so at every start -->
  <xsl:include href="merge.xsl"/>

  <xsl:variable name="want" select="$policy/clock"/>

  <xsl:template match="/domain/clock">
    <xsl:copy>
      <xsl:choose>
        <xsl:when test="$want/@offset">
          <!-- basis, start, timezone and a number of seconds belong to other offsets;
               adjustment='reset' fits all but timezone -->
          <xsl:copy-of select="@*[not(contains(' adjustment basis start timezone ', concat(' ', name(), ' ')))]"/>
          <xsl:copy-of select="$want/@*"/>
          <xsl:copy-of select="@adjustment[. = 'reset' and $want/@offset != 'timezone']"/>
        </xsl:when>
        <xsl:otherwise>
          <xsl:copy-of select="@*"/>
        </xsl:otherwise>
      </xsl:choose>
      <xsl:call-template name="children">
        <xsl:with-param name="want" select="$want"/>
      </xsl:call-template>
    </xsl:copy>
  </xsl:template>

  <!-- No clock: one behind those of os, features and cpu that comes last, where libvirt writes it. -->
  <xsl:template match="/domain[not(clock)]/*[self::os or self::features or self::cpu][not(following-sibling::os or following-sibling::features or following-sibling::cpu)]">
    <xsl:copy-of select="."/>
    <xsl:copy-of select="$want"/>
  </xsl:template>

</xsl:stylesheet>

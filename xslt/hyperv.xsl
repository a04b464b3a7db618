<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!-- The Hyper-V enlightenments. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">

  <!-- not imported, which makes a second stylesheet to be compiled: this is so at every start -->
  <xsl:include href="merge.xsl"/>

  <xsl:variable name="want" select="$policy/hyperv"/>

  <xsl:template match="/domain/features">
    <xsl:copy>
      <xsl:copy-of select="@*"/>
      <xsl:apply-templates select="node()"/>
      <xsl:if test="not(/domain/features/hyperv) and not(preceding-sibling::features)">
        <xsl:copy-of select="$want"/>
      </xsl:if>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="/domain/features/hyperv">
    <xsl:choose>
      <xsl:when test="$want">
        <xsl:apply-templates select="." mode="merge">
          <xsl:with-param name="want" select="$want"/>
        </xsl:apply-templates>
      </xsl:when>
      <xsl:otherwise>
        <xsl:copy-of select="."/>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="/domain[not(features)]/os">
    <xsl:copy-of select="."/>
    <xsl:if test="$want and not(following-sibling::os)">
      <features>
        <xsl:copy-of select="$want"/>
      </features>
    </xsl:if>
  </xsl:template>

</xsl:stylesheet>

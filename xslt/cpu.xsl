<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!-- CPU features, of a guest that has a CPU to add them to. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">

  <xsl:include href="merge.xsl"/>

  <xsl:template match="/domain/cpu[not(preceding-sibling::cpu)]">
    <xsl:apply-templates select="." mode="merge">
      <xsl:with-param name="want" select="$policy/cpu"/>
    </xsl:apply-templates>
  </xsl:template>

</xsl:stylesheet>

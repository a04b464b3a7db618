<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!-- The default policy as one who needs no configuration would write it down. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">

  <xsl:template match="/ | /domain">
    <xsl:copy>
      <xsl:apply-templates select="@* | node()"/>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="@* | node()" priority="-1">
    <xsl:copy-of select="."/>
  </xsl:template>

  <xsl:template match="/domain/clock">
    <clock offset="localtime">
      <timer name="pit" tickpolicy="delay"/>
      <timer name="rtc" tickpolicy="catchup"/>
      <timer name="hpet" present="no"/>
      <timer name="hypervclock" present="yes"/>
    </clock>
  </xsl:template>

  <xsl:template match="/domain/features">
    <xsl:copy>
      <xsl:copy-of select="@* | node()[not(self::hyperv)]"/>
      <hyperv>
        <relaxed state="on"/>
        <vapic state="on"/>
        <spinlocks state="on" retries="8191"/>
      </hyperv>
    </xsl:copy>
  </xsl:template>

</xsl:stylesheet>

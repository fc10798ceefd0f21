"""The query parameters that say where a reader came from, never which article it is.

A name that ends in `*` stands for all names with that prefix. Each has its reason beside it.
Words that can be the id of an article somewhere (`cid`, `source`, `ref`, `id`) are listed only
under sites that use them for tracking; operators add names in config/sites.yml.
"""

from __future__ import annotations

#: Who uses a parameter, and its names.
_USERS = {
    # campaigns in web statistics
    "Urchin and Google Analytics campaigns, on nearly every feed link": "utm_*",
    "Matomo campaigns": "mtm_* matomo_*",
    "Piwik, the former name of Matomo": "pk_campaign pk_kwd pk_keyword pk_source pk_medium "
    "pk_content piwik_campaign piwik_kwd",
    "AT Internet (Piano), on BBC feed links and shares": "at_medium at_campaign at_custom1 "
    "at_custom2 at_custom3 at_custom4 at_link_id at_link_type at_link_origin at_ptr_name "
    "at_bbc_team at_format",
    "comScore, older BBC feeds": "ns_mchannel ns_source ns_campaign ns_linkname ns_fee",
    "older AT Internet, French and Spanish papers: xtor=RSS-1": "xtor",
    "Webtrekk campaigns, German broadcasters and weeklies": "wt_mc wt_zmc",
    "Webtrends campaigns and free fields": "wt.mc_id wt.z_*",
    "Adobe Analytics and advertising": "s_cid sc_cid s_kwcid ef_id",
    "HubSpot advertisements, newsletters and visitors": "hsa_* _hsenc _hsmi __hstc __hssc __hsfp",
    "internal campaigns of several publishers": "itm_* icid",
    # clicks of advertisers and networks
    "Facebook clicks and shares": "fbclid fb_action_ids fb_action_types fb_ref fb_source",
    "Google advertisements": "gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid",
    "Microsoft advertisement clicks": "msclkid",
    "Yandex clicks": "yclid ymclid",
    "Twitter clicks and embeds": "twclid ref_src ref_url",
    "clicks and shares of TikTok, LinkedIn, Instagram, Reddit and Pinterest": "ttclid li_fat_id "
    "igshid igsh rdt_cid epik",
    "clicks of the affiliate networks Impact, Zanox and Wicked Reports": "irclickid zanpid wickedid",
    "newsletter readers: Omeda, Vero, Mailchimp, Marketo, MailerLite": "oly_anon_id oly_enc_id "
    "vero_id mc_cid mc_eid mkt_tok ml_subscriber ml_subscriber_hash",
    "Openstat, Russian-language sites": "_openstat",
    "Google Analytics visitors carried between hosts": "_ga _gl",
    # publishers' own marks on shares and feeds
    "Guardian: CMP=Share_… and the like": "cmp",
    "broadcasters and magazines: cmpid=rss": "cmpid",
    "Microsoft News and BBC partners": "ocid",
    "Daily Mail feeds: ito=1490": "ito",
    "newsletters of Spanish papers": "ns_mail_uid ns_mail_job",
    "New York Times shares and feeds: smid=tw-share, partner=rss, emc=rss": "smid smtyp partner emc",
    "Financial Times campaigns": "ftcamp",
    "newsletters of the Washington Post and other Washington publishers": "wpisrc wpmm taid",
    "Yahoo consent, shares and feeds: .tsrc=rss": "guccounter guce_referrer guce_referrer_sig "
    "soc_src soc_trk tsrc .tsrc",
    "marks of a feed reader": "feedtype feedname from_rss",
    "Chinese portals: place of the link on the page, shares": "spm share_from",
    "broadcasters' widgets": "traffic_source",
    "share buttons of Russian-language sites": "sh_kit",
}
#: Removed from the URLs of every site: name → reason.
EVERYWHERE = {name: user for user, names in _USERS.items() for name in names.split()}

#: Removed only on these registrable domains, since elsewhere the word can name the article.
BY_SITE: dict[str, dict[str, str]] = {
    "bbc.co.uk": {"from": "partner mark on syndicated links"},
    "cnbc.com": {"source": "share buttons"},
    "cnn.com": {"cid": "newsletter campaign"},
    "lemonde.fr": {"source": "share buttons"},
    "medium.com": {"source": "which list the reader came from", "sk": "friend link"},
    "nytimes.com": {"rref": "referring page", "ref": "referring section"},
    "repubblica.it": {"ref": "place of the link on the page"},
    "reuters.com": {"feedtype": "feed mark", "rpc": "referring product"},
    "substack.com": {"r": "who shared it", "publication_id": "newsletter link"},
    "theguardian.com": {"ref": "syndication partner"},
    "washingtonpost.com": {"source": "feed mark"},
    "youtube.com": {"feature": "where the link stood", "si": "who shared it"},
}

//! The words that names, places, titles and browsers are made of. All lists are of our own making.

/// First names of women, the common ones first.
pub(crate) const WOMEN: &str = "Alba Carla Greta Marta Vera Ines Karin Olga Renata Tilda Edda Zelda Xenia Bettina \
    Agnes Amelie Anouk Astrid Beatriz Bianca Camille Celia Clara Dagmar Daria Delia Elif Elsa Enid Esther Fanny Fiona \
    Flora Frida Gilda Gwen Hanna Hedda Helga Ida Imke Iris Isolde Jana Jette Judith Katja Kirsten Lene Lotte Lucia \
    Mabel Maren Mila Mina Nadia Nora Odette Paula Petra Ragna Rosa Ruth Saskia Sigrid Sonja Stella Tamar Thea Una \
    Ursula Viola Wanda Wilma Yara Ylva Zoe Åsa Zoé Søs";

/// First names of men, the common ones first.
pub(crate) const MEN: &str = "Bruno Dario Hugo Jonas Nils Fabian Linus Paolo Silas Amos Cosmo Wendell Yorick Ulric \
    Adrian Albin Anton Arvid Basil Benno Boris Caspar Cedric Clemens Cyril Damian Dietmar Edgar Emil Enzo Erwin Felix \
    Ferdinand Florian Gareth Gideon Gregor Harald Henrik Igor Ivo Jasper Joris Julius Kaspar Kilian Knut Lars Leander \
    Leon Luca Magnus Malte Marek Milo Moritz Niklas Oskar Otto Pablo Quentin Ralf Remy Rolf Rufus Sander Sven Tadeo \
    Theo Tobias Urban Valentin Viktor Walter Xaver Yann Zeno Jürgen René Łukasz";

/// Last names, the common ones first.
pub(crate) const LAST_NAMES: &str = "Ashdown Birkett Calloway Dunmore Ellery Fairbank Garrow Holloway Ingram Jessop \
    Kettering Langdale Merrow Northcott Oakden Penrose Quillan Radley Selwyn Thornbury Underhay Vickery Westerby \
    Yarrow Abberton Aldwick Appleyard Barrowby Beckwith Bellweather Blackmoor Bramwell Briarley Brockhurst Burnage \
    Cardew Carrick Chadwell Chilcott Clayborne Copperfield Cranleigh Crowhurst Dalby Dankworth Darnell Denholm \
    Dewhurst Drayton Eastbrook Eddowes Elphick Everard Farrant Fenwick Flaxman Foxley Frobisher Gatward Glanville \
    Goodhew Grantley Greenslade Hadleigh Halloran Hartnoll Haversham Hexham Hollins Huxtable Ibbotson Ivory Jarrold \
    Kempster Kilbride Kingsnorth Lambourn Larkin Leverton Lindale Lockyer Ludgrove Maddern Marchbank Mayhew Midgley \
    Millbank Mossop Nettlefold Newbold Norwood Ockham Orchard Osgood Padgett Pargeter Pemberton Pickersgill Plumtree \
    Prideaux Rackham Ravenscroft Redfern Roebuck Rushworth Sackville Satterly Seabrook Shackleton Sherborne Skelton \
    Somerby Stancliffe Sutcliff Tadcaster Tattersall Thackeray Trelawny Umpleby Venables Wadham Walworth Whitlock \
    Wickham Wolverton Wragg Yelland Brændström Núñez O'Hara";

/// Places as the log names them, the large ones first, each with latitude and longitude in hundredths of a
/// degree.
pub(crate) const PLACES: &str = "\
New York-Jersey Shore, NY-NJ|4071|-7401;Los Angeles-Long Beach, CA|3405|-11824;Chicago-Naperville, IL-IN|4188|-8763;\
Houston-Sugar Land, TX|2976|-9537;San Francisco-Oakland, CA|3777|-12242;Phoenix-Mesa, AZ|3345|-11207;\
Philadelphia-Camden, PA-NJ|3995|-7517;San Antonio, TX|2942|-9849;San Diego, CA|3272|-11716;\
Dallas-Fort Worth, TX|3278|-9680;Atlanta, GA|3375|-8439;Seattle-Tacoma, WA|4761|-12233;\
Boston-Quincy, MA-NH|4236|-7106;Denver-Aurora, CO|3974|-10498;Detroit-Dearborn, MI|4233|-8305;\
Minneapolis-Saint Paul, MN-WI|4498|-9327;Tampa Bay, FL|2795|-8246;Saint Louis, MO-IL|3863|-9020;\
Portland-Beaverton, OR-WA|4552|-12268;Charlotte-Gastonia, NC-SC|3523|-8084;Sacramento, CA|3858|-12149;\
Kansas City, MO-KS|3910|-9458;Las Vegas, NV|3617|-11514;Cleveland-Elyria, OH|4150|-8169;\
Milwaukee, WI|4304|-8791;Nashville, TN|3616|-8678;Memphis, TN-MS-AR|3515|-9005;Richmond, VA|3754|-7744;\
New Orleans, LA|2995|-9007;Salt Lake City, UT|4076|-11189;Buffalo, NY|4289|-7888;Rochester, NY|4316|-7761;\
Albuquerque, NM|3508|-10665;Tucson, AZ|3222|-11093;Honolulu, HI|2131|-15786;Boise, ID|4362|-11620;\
El Paso, TX|3176|-10649;Anchorage, AK|6122|-14990;Duluth, MN-WI|4679|-9210;Fargo, ND-MN|4688|-9679;\
Savannah, GA|3208|-8111;Portland, ME|4366|-7026;Burlington, VT|4448|-7321;Bend, OR|4406|-12132;\
Missoula, MT|4687|-11399;Key West, FL|2456|-8178;Sitka, AK|5705|-13533;Winston--Salem, NC|3610|-8024";

/// Where artists may be from besides; with markup and other oddities as such data has them.
pub(crate) const FAR_PLACES: &str = "\
London, England|5151|-13;Malmö, Sweden|5560|1300;Reykjavík, Iceland|6415|-2194;São Paulo|-2355|-4663;\
Kingston, Jamaica|1797|-7679;Berlin|5252|1341;Dakar, Senegal|1469|-1745;Melbourne, Australia|-3781|14496;\
Kyoto|3501|13577;Glasgow, Scotland|5586|-425";

/// Browsers as they call themselves, the common ones first.
pub(crate) const BROWSERS: [&str; 22] = [
    "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/36.0.1985.125 Safari/537.36",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:31.0) Gecko/20100101 Firefox/31.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_4) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/36.0.1985.125 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_4) AppleWebKit/537.78.2 (KHTML, like Gecko) Version/7.0.6 Safari/537.78.2",
    "Mozilla/5.0 (Windows NT 6.3; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/36.0.1985.125 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 7_1_2 like Mac OS X) AppleWebKit/537.51.2 (KHTML, like Gecko) Version/7.0 Mobile/11D257 Safari/9537.53",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (iPad; CPU OS 7_1_2 like Mac OS X) AppleWebKit/537.51.2 (KHTML, like Gecko) Version/7.0 Mobile/11D257 Safari/9537.53",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.9; rv:31.0) Gecko/20100101 Firefox/31.0",
    "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/35.0.1916.153 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/37.0.2062.94 Safari/537.36",
    "Mozilla/5.0 (Windows NT 6.3; WOW64; rv:31.0) Gecko/20100101 Firefox/31.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_8_5) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/36.0.1985.143 Safari/537.36",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:31.0) Gecko/20100101 Firefox/31.0",
    "Mozilla/5.0 (Windows NT 6.2; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/36.0.1985.143 Safari/537.36",
    "Mozilla/5.0 (Windows NT 6.3; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Ubuntu Chromium/36.0.1985.125 Chrome/36.0.1985.125 Safari/537.36",
    "Mozilla/5.0 (Windows NT 5.1; rv:31.0) Gecko/20100101 Firefox/31.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_7_5) AppleWebKit/537.77.4 (KHTML, like Gecko) Version/6.1.5 Safari/537.77.4",
    "Mozilla/5.0 (iPad; CPU OS 7_1_1 like Mac OS X) AppleWebKit/537.51.2 (KHTML, like Gecko) Version/7.0 Mobile/11D201 Safari/9537.53",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; WOW64; Trident/5.0)",
    "Mozilla/5.0 (Windows NT 6.1; rv:24.0) Gecko/20100101 Firefox/24.0",
];

/// What artists and songs may be like.
pub(crate) const ADJECTIVES: &str = "Amber Borrowed Crooked Distant Electric Faded Gentle Hollow Idle Jagged Knitted \
    Lonesome Marble Nervous Orange Paper Quiet Restless Salted Tangled Unwritten Velvet Wandering Yellow Absent \
    Backward Brittle Careless Copper Crimson Dented Drowsy Endless Feathered Frozen Golden Hidden Humble Invisible \
    Languid Little Lucky Midnight Misplaced Northern Painted Pale Rusty Secret Silver Sleepless Stolen Summer Sunken \
    Tender Twisted Uneven Upstairs Weary Wooden";

/// What artists and songs may be about.
pub(crate) const NOUNS: &str = "Anchor Bicycle Chimney Daylight Elevator Ferry Garden Harbor Island Journal Kettle \
    Lantern Meadow Needle Orchard Pavement Quarry Railway Staircase Telegram Umbrella Valley Window Xylophone Yard \
    Zeppelin Compass Lighthouse Acrobat Alarm Balcony Bonfire Bridge Candle Carousel Cinema Comet Corridor Curtain \
    Desert Diamond Dragonfly Engine Feather Fountain Gallery Ghost Glacier Hammock Horizon Jukebox Ladder Magnet \
    Mirror Monsoon Nightingale Ocean Oracle Parade Pendulum Piano Planet Postcard Puzzle Rainbow Raven Satellite \
    Shadow Siren Sparrow Station Storm Suitcase Teapot Theatre Thunder Tower Tram Violet Whisper";

/// What songs may do.
pub(crate) const VERBS: &str = "Chasing Counting Drawing Finding Holding Leaving Mending Missing Painting Reading \
    Turning Borrowing Burning Calling Carrying Dreaming Folding Following Keeping Losing Naming Opening Remembering \
    Saving Selling Singing Stealing Waking Watching Writing";

/// The words of a list.
pub(crate) fn list(words: &'static str) -> Vec<&'static str> {
    words.split_whitespace().collect()
}

/// A place with latitude and longitude in hundredths of a degree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) latitude: i32,
    pub(crate) longitude: i32,
}

/// The places of a list; those that are not written properly are left out.
pub(crate) fn places(text: &'static str) -> Vec<Place> {
    text.split(';')
        .filter_map(|place| {
            let mut parts = place.split('|');
            let name = parts.next()?;
            Some(Place {
                name,
                latitude: parts.next()?.parse().ok()?,
                longitude: parts.next()?.parse().ok()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_list_has_a_word_twice() {
        for words in [WOMEN, MEN, LAST_NAMES, ADJECTIVES, NOUNS, VERBS].map(list) {
            let distinct: HashSet<_> = words.iter().collect();
            assert_eq!(distinct.len(), words.len(), "{words:?}");
        }
        assert_eq!(BROWSERS.iter().collect::<HashSet<_>>().len(), BROWSERS.len());
    }

    #[test]
    fn every_place_is_written_properly() {
        for text in [PLACES, FAR_PLACES] {
            let places = places(text);
            assert_eq!(places.len(), text.split(';').count());
            for place in places {
                assert!(place.latitude.abs() <= 9_000 && place.longitude.abs() <= 18_000, "{}", place.name);
            }
        }
    }
}
